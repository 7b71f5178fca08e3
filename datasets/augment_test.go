package datasets

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawImage draws a shape [C, H, W] and an image of it, leaning to extremes.
func drawImage(t *rapid.T) ([]uint8, []int) {
	shape := []int{rapid.IntRange(1, 3).Draw(t, "c"), rapid.IntRange(1, 9).Draw(t, "h"), rapid.IntRange(1, 9).Draw(t, "w")}
	value := rapid.OneOf(rapid.SampledFrom([]uint8{0, 1, 254, 255}), rapid.Uint8())
	return rapid.SliceOfN(value, volume(shape), volume(shape)).Draw(t, "img"), shape
}

func drawAugment(t *rapid.T) Augment {
	return Augment{
		Rotation: rapid.Float64Range(0, 180).Draw(t, "rotation"),
		Scale:    rapid.Float64Range(0, 0.9).Draw(t, "scale"),
		Shear:    rapid.Float64Range(0, 2).Draw(t, "shear"),
		Shift:    rapid.Float64Range(0, 20).Draw(t, "shift"),
	}
}

func TestZeroAugmentCopies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		img, shape := drawImage(t)
		applied, warped := make([]float32, len(img)), make([]float32, len(img))
		Augment{}.Apply(applied, img, shape, rapid.Uint64().Draw(t, "seed"), 0, 0)
		Warp(warped, img, shape, Identity())
		for i, v := range img {
			if want := float32(v) / 255; applied[i] != want || warped[i] != want {
				t.Fatalf("value %d: Apply %v, Warp %v, want %v", i, applied[i], warped[i], want)
			}
		}
	})
}

func TestWarpWholePixels(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		img, shape := drawImage(t)
		h, w := shape[1], shape[2]
		dx, dy := rapid.IntRange(-10, 10).Draw(t, "dx"), rapid.IntRange(-10, 10).Draw(t, "dy")
		got := make([]float32, len(img))
		Warp(got, img, shape, Affine{XX: 1, YY: 1, X: float64(dx), Y: float64(dy)})
		for i := range got {
			c, y, x := i/(h*w), i/w%h+dy, i%w+dx
			want := float32(0)
			if x >= 0 && x < w && y >= 0 && y < h {
				want = float32(img[(c*h+y)*w+x]) / 255
			}
			if got[i] != want {
				t.Fatalf("shift (%d, %d): value %d is %v, want %v", dx, dy, i, got[i], want)
			}
		}
	})
}

// warpNaive is Warp in plain float64, one sample at a time.
func warpNaive(dst []float64, img []uint8, shape []int, m Affine) {
	h, w := shape[1], shape[2]
	cx, cy := float64(w-1)/2, float64(h-1)/2
	at := func(c, y, x int) float64 {
		if x < 0 || x >= w || y < 0 || y >= h {
			return 0
		}
		return float64(img[(c*h+y)*w+x]) / 255
	}
	for i := range dst {
		c := i / (h * w)
		x, y := float64(i%w)-cx, float64(i/w%h)-cy
		u, v := m.XX*x+m.XY*y+m.X+cx, m.YX*x+m.YY*y+m.Y+cy
		iu, iv := math.Floor(u), math.Floor(v)
		fu, fv := u-iu, v-iv
		a, b := int(iu), int(iv)
		dst[i] = (1-fv)*((1-fu)*at(c, b, a)+fu*at(c, b, a+1)) + fv*((1-fu)*at(c, b+1, a)+fu*at(c, b+1, a+1))
	}
}

func TestWarpIsNaiveWarp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		img, shape := drawImage(t)
		m := drawAugment(t).Draw(rapid.Uint64().Draw(t, "seed"), 0, 0)
		got, want := make([]float32, len(img)), make([]float64, len(img))
		Warp(got, img, shape, m)
		warpNaive(want, img, shape, m)
		for i := range got {
			// Two weights cut to 16 bits, each changing the value by at most
			// 2^-16, and float32 rounding of a value up to 1.
			if math.Abs(float64(got[i])-want[i]) > 2.0/(1<<16)+1.0/(1<<23) {
				t.Fatalf("value %d is %v, want %v", i, got[i], want[i])
			}
		}
	})
}

func TestApplyDependsOnSeedEpochIndexOnly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		img, shape := drawImage(t)
		a := drawAugment(t)
		seed, epoch, index := rapid.Uint64().Draw(t, "seed"), rapid.Uint64().Draw(t, "epoch"), rapid.IntRange(0, 1<<20).Draw(t, "index")
		one, two := make([]float32, len(img)), make([]float32, len(img))
		a.Apply(one, img, shape, seed, epoch, index)
		a.Apply(two, img, shape, seed, epoch+1, index)
		a.Apply(two, img, shape, seed, epoch, index)
		if !slices.Equal(one, two) {
			t.Fatal("two results for one (seed, epoch, index)")
		}
		for _, v := range one {
			if !(v >= 0 && v <= 1) {
				t.Fatalf("value %v is not in [0, 1]", v)
			}
		}
		m := a.Draw(seed, epoch, index)
		if a.Shift > 0 && (m == a.Draw(seed+1, epoch, index) || m == a.Draw(seed, epoch+1, index) || m == a.Draw(seed, epoch, index+1)) {
			t.Fatal("another seed, epoch or index draws the same map")
		}
	})
}

// Draws fill their intervals: each amount alone, its parameter read back.
func TestDrawRanges(t *testing.T) {
	for name, test := range map[string]struct {
		a    Augment
		read func(Affine) float64
		max  float64
	}{
		"rotation": {Augment{Rotation: 30}, func(m Affine) float64 { return math.Atan2(m.XY, m.XX) * 180 / math.Pi }, 30},
		"scale x":  {Augment{Scale: 0.2}, func(m Affine) float64 { return 1/m.XX - 1 }, 0.2},
		"scale y":  {Augment{Scale: 0.2}, func(m Affine) float64 { return 1/m.YY - 1 }, 0.2},
		"shear":    {Augment{Shear: 0.3}, func(m Affine) float64 { return -m.XY }, 0.3},
		"shift x":  {Augment{Shift: 2}, func(m Affine) float64 { return -m.X }, 2},
		"shift y":  {Augment{Shift: 2}, func(m Affine) float64 { return -m.Y }, 2},
	} {
		low, high := math.Inf(1), math.Inf(-1)
		for i := range 2000 {
			v := test.read(test.a.Draw(1, 2, i))
			low, high = min(low, v), max(high, v)
		}
		const slack = 1e-12 // rounding in reading back
		if low < -test.max-slack || high > test.max+slack || low > -0.98*test.max || high < 0.98*test.max {
			t.Errorf("%s: drew [%v, %v], want to fill +-%v", name, low, high, test.max)
		}
	}
}

func TestAugmentValidate(t *testing.T) {
	for _, a := range []Augment{{}, {Rotation: 180, Scale: 0.9, Shear: 2, Shift: 1024, Elastic: 1024}} {
		if err := a.Validate(); err != nil {
			t.Error(err)
		}
	}
	for want, a := range map[string]Augment{
		"datasets: augment rotation 181 is not in [0, 180]": {Rotation: 181},
		"datasets: augment scale 1 is not in [0, 0.9]":      {Scale: 1},
		"datasets: augment shear -0.1 is not in [0, 2]":     {Shear: -0.1},
		"datasets: augment elastic -1 is not in [0, 1024]":  {Elastic: -1},
		"datasets: augment shift NaN is not in [0, 1024]":   {Shift: math.NaN()},
	} {
		if err := a.Validate(); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestWarpPanics(t *testing.T) {
	one := []int{1, 1, 1}
	for name, f := range map[string]func(){
		"lengths":  func() { Warp(make([]float32, 2), make([]uint8, 1), one, Identity()) },
		"shape":    func() { Warp(make([]float32, 1), make([]uint8, 1), []int{1, 1}, Identity()) },
		"map":      func() { Warp(make([]float32, 1), make([]uint8, 1), one, Affine{X: math.NaN()}) },
		"far map":  func() { Warp(make([]float32, 1), make([]uint8, 1), one, Affine{XX: 1e9}) },
		"no image": func() { Augment{}.Apply(make([]float32, 2), make([]uint8, 1), one, 0, 0, 0) },
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

func TestApplyDoesNotAllocate(t *testing.T) {
	img, dst, shape := make([]uint8, 784), make([]float32, 784), []int{1, 28, 28}
	a := Augment{Rotation: 10, Scale: 0.1, Shear: 0.1, Shift: 2}
	if n := testing.AllocsPerRun(100, func() { a.Apply(dst, img, shape, 1, 2, 3) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func BenchmarkApply(b *testing.B) {
	a := Augment{Rotation: 10, Scale: 0.1, Shear: 0.1, Shift: 2}
	for _, side := range []int{8, 28, 64} {
		img, dst, shape := make([]uint8, side*side), make([]float32, side*side), []int{1, side, side}
		for i := range img {
			img[i] = uint8(i)
		}
		b.Run(fmt.Sprintf("%dx%d", side, side), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				a.Apply(dst, img, shape, 1, 1, i)
				i++
			}
		})
		b.Run(fmt.Sprintf("naive/%dx%d", side, side), func(b *testing.B) {
			slow := make([]float64, side*side)
			i := 0
			for b.Loop() {
				warpNaive(slow, img, shape, a.Draw(1, 1, i))
				i++
			}
		})
	}
}
