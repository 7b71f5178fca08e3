package datasets

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// A field of zeros changes nothing, and one whose knots all move alike moves the
// picture by that much: the weights of a spline add up to 1.
func TestElasticOfAFlatField(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		img, shape := drawImage(t)
		m := drawAugment(t).Draw(rapid.Uint64().Draw(t, "seed"), 0, 0)
		dx, dy := float64(rapid.IntRange(-9, 9).Draw(t, "dx")), float64(rapid.IntRange(-9, 9).Draw(t, "dy"))
		var f Field
		for i := range f.X {
			for j := range f.X[i] {
				f.X[i][j], f.Y[i][j] = dx, dy
			}
		}
		got, want := make([]float32, len(img)), make([]float32, len(img))
		moved := m
		moved.X, moved.Y = m.X+dx, m.Y+dy
		WarpElastic(got, img, shape, m, &f)
		Warp(want, img, shape, moved)
		for i := range want {
			// Whole pixels are exact in fixed point, but the sum m.X+dx may round.
			if math.Abs(float64(got[i]-want[i])) > 0x1p-14 {
				t.Fatalf("value %d is %v, want %v", i, got[i], want[i])
			}
		}
		WarpElastic(got, img, shape, m, &Field{})
		Warp(want, img, shape, m)
		if !slices.Equal(got, want) {
			t.Fatal("a field of zeros changes the picture")
		}
	})
}

// splineNaive is the cubic B-spline's piece of the definition, at the distance d
// from a knot, in cells.
func splineNaive(d float64) float64 {
	d = math.Abs(d)
	switch {
	case d < 1:
		return (3*d*d*d - 6*d*d + 4) / 6
	case d < 2:
		return (2 - d) * (2 - d) * (2 - d) / 6
	}
	return 0
}

// The field is the spline of its knots, evaluated one pixel at a time. Pictures
// are ramps, which show the coordinate that was looked up.
func TestElasticIsTheSpline(t *testing.T) {
	for _, side := range [][2]int{{28, 28}, {9, 20}, {5, 65}, {100, 100}} {
		h, w := side[0], side[1]
		img := make([]uint8, h*w)
		for i := range img {
			img[i] = uint8(i % w)
		}
		var f Field
		f.draw(newSource(3, 1), 0.8)
		dst := make([]float32, len(img))
		WarpElastic(dst, img, []int{1, h, w}, Identity(), &f)
		for y := 1; y < h-2; y++ {
			for x := 1; x < w-2; x++ {
				want := float64(x)
				for i := range f.X {
					for j := range f.X[i] {
						// Knot 1 is at the first pixel.
						cy, cx := float64(y*elasticCells)/float64(h), float64(x*elasticCells)/float64(w)
						want += f.X[i][j] * splineNaive(cy-float64(i-1)) * splineNaive(cx-float64(j-1))
					}
				}
				if got := 255 * float64(dst[y*w+x]); math.Abs(got-want) > 0.002 {
					t.Fatalf("%d x %d: pixel (%d, %d) shows column %v, want %v", h, w, x, y, got, want)
				}
			}
		}
	}
}

// The affine movements stay what they are without a field, and the field is the
// same for one seed, epoch and index alone.
func TestElasticApply(t *testing.T) {
	img, shape := make([]uint8, 784), []int{1, 28, 28}
	for i := range img {
		img[i] = uint8(37 * i)
	}
	a := Augment{Rotation: 10, Shift: 2, Elastic: 3}
	plain := a
	plain.Elastic = 0
	if a.Draw(1, 2, 3) != plain.Draw(1, 2, 3) {
		t.Error("the affine map depends on the field")
	}
	apply := func(seed, epoch uint64, index int) []float32 {
		dst := make([]float32, len(img))
		a.Apply(dst, img, shape, seed, epoch, index)
		return dst
	}
	first := apply(1, 2, 3)
	if !slices.Equal(first, apply(1, 2, 3)) {
		t.Error("two results for one (seed, epoch, index)")
	}
	a.Rotation, a.Shift = 0, 0 // what is left is the field
	first = apply(1, 2, 3)
	for _, other := range [][]float32{apply(2, 2, 3), apply(1, 3, 3), apply(1, 2, 4)} {
		if slices.Equal(first, other) {
			t.Error("another seed, epoch or index has the same field")
		}
	}
	if n := testing.AllocsPerRun(100, func() { a.Apply(first, img, shape, 1, 2, 3) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// Movements along an axis have the stated root mean square, and never exceed the
// knots'.
func TestElasticSize(t *testing.T) {
	const amount = 2.0
	sum, count := 0.0, 0
	for k := range 200 {
		var f Field
		f.draw(newSource(5, uint64(k)), amount)
		img, dst := make([]uint8, 28*28), make([]float32, 28*28)
		for i := range img {
			img[i] = uint8(9 * (i % 28))
		}
		WarpElastic(dst, img, []int{1, 28, 28}, Identity(), &f)
		for y := 4; y < 24; y++ {
			for x := 4; x < 24; x++ {
				d := 255*float64(dst[y*28+x])/9 - float64(x)
				if math.Abs(d) > amount {
					t.Fatalf("a pixel moves by %v, knots by up to %v", d, amount)
				}
				sum, count = sum+d*d, count+1
			}
		}
	}
	if rms := math.Sqrt(sum / float64(count)); math.Abs(rms-0.28*amount) > 0.03*amount {
		t.Errorf("pixels move by %v, root mean square, want about %v", rms, 0.28*amount)
	}
}

func TestElasticPanics(t *testing.T) {
	one := []int{1, 1, 1}
	far, nan := Field{}, Field{}
	far.X[0][0], nan.Y[6][6] = 1e6, math.NaN()
	for name, f := range map[string]func(){
		"lengths": func() { WarpElastic(make([]float32, 2), make([]uint8, 1), one, Identity(), &Field{}) },
		"far":     func() { WarpElastic(make([]float32, 1), make([]uint8, 1), one, Identity(), &far) },
		"NaN":     func() { WarpElastic(make([]float32, 1), make([]uint8, 1), one, Identity(), &nan) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
