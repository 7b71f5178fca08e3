package he

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"qtool/bundle"
	"qtool/he/internal/sample"
)

// wanted are integers of many samples, and answers near them.
func wanted(samples int) (integers [][]float64, a Approximate) {
	r := rand.New(rand.NewPCG(1, 2))
	a = Approximate{Bound: []float64{0.7, 1, 1.9}, Usual: []float64{0.01, 0.02, 0.02}}
	for range samples {
		want, near := make([]float64, 3), make([]float64, 3)
		for o := range want {
			want[o] = float64(r.IntN(8000) - 4000)
			near[o] = want[o] + (2*r.Float64()-1)*a.Usual[o]
		}
		integers, a.Reals = append(integers, want), append(a.Reals, near)
	}
	return integers, a
}

// The noise on flooded answers is the normal distribution of 2^bits times the bound, and
// independent of one output or sample to the next; answers stay on the grid of rounded
// ones. With 12 bits, grid and error are too fine for these statistics to see.
func TestFloodedNoise(t *testing.T) {
	const samples, bits, cells = 20_000, 12, 64
	out := &bundle.Node{Scale: []float64{1}}
	want, a := wanted(samples)
	f := a.flooded(out, bits, sample.NewStream(sample.Seed{50}))
	sigma := make([]float64, 3)
	for o, bound := range a.Bound {
		step := math.Exp2(math.Floor(math.Log2(bound)) - 7)
		sigma[o] = step * (math.Ceil(bound/step) + 1) * (1 << bits)
		if ratio := sigma[o] / bound / (1 << bits); ratio < 1 || ratio > 1+1./64 {
			t.Fatalf("output %d: deviation %v for a bound of %v", o, sigma[o], bound)
		}
	}
	z := func(i, o int) float64 { return (f.Reals[i][o] - want[i][o]) / sigma[o] }
	for o, bound := range a.Bound {
		grid := math.Exp2(math.Ceil(math.Log2(2 * bound)))
		counts := make([]float64, cells)
		var mean, square, other, next float64
		for i := range samples {
			if math.Mod(f.Reals[i][o], grid) != 0 {
				t.Fatalf("sample %d, output %d: %v is not on the grid of %v", i, o, f.Reals[i][o], grid)
			}
			x := z(i, o)
			mean, square = mean+x/samples, square+x*x/samples
			other, next = other+x*z(i, (o+1)%3)/samples, next+x*z((i+1)%samples, o)/samples
			counts[min(cells-1, int(cells*0.5*math.Erfc(-x/math.Sqrt2)))]++
		}
		if limit := 6 / math.Sqrt(samples); math.Abs(mean) > limit || math.Abs(square-1) > limit*math.Sqrt2 || math.Abs(other) > limit || math.Abs(next) > limit {
			t.Errorf("output %d: mean %v, variance %v, covariances %v and %v", o, mean, square, other, next)
		}
		chi := 0.
		for _, c := range counts {
			chi += math.Pow(c-float64(samples)/cells, 2) * cells / samples
		}
		if math.Abs(chi-(cells-1)) > 6*math.Sqrt(2*(cells-1)) {
			t.Errorf("output %d: chi square %v in %d cells of equal probability", o, chi, cells)
		}
	}
}

// Flooded answers lie within the bounds that they state, which count the noise in; those
// that are decided have the integers' label, and more noise leaves fewer of them.
func TestFloodedDecisions(t *testing.T) {
	out := &bundle.Node{Scale: []float64{1}}
	want, a := wanted(2000)
	exact := Approximate{Reals: want}
	before := 0
	for _, bits := range []int{1, 4, 7, MaxFlood} {
		f := a.flooded(out, bits, sample.NewStream(sample.Seed{51, byte(bits)}))
		undecided := 0
		for i, row := range f.Reals {
			for o, x := range row {
				if !(math.Abs(x-want[i][o]) <= f.Usual[o] && f.Usual[o] <= f.Bound[o]) {
					t.Errorf("%d bits: sample %d, output %d is off by %v, the bounds are %v and %v", bits, i, o, x-want[i][o], f.Usual[o], f.Bound[o])
				}
			}
			if f.Undecided(out, i) {
				undecided++
			} else if got := f.Label(out, i); got != exact.Label(out, i) || got != a.Rounded(out).Label(out, i) {
				t.Fatalf("%d bits: sample %d is decided as %d, the integers say %d", bits, i, got, exact.Label(out, i))
			}
		}
		for o, b := range f.Bound {
			if noise := a.Bound[o] * math.Exp2(float64(bits)); !(b > a.Bound[o]+7*noise && b < a.Bound[o]*4+8*noise) {
				t.Errorf("%d bits: output %d has the bound %v", bits, o, b)
			}
		}
		if undecided < before || bits == 7 && (undecided == before || undecided == len(want)) || bits == MaxFlood && undecided != len(want) {
			t.Errorf("%d bits leave %d of %d undecided, fewer left %d", bits, undecided, len(want), before)
		}
		before = undecided
	}
}

// Every call draws new noise. Outputs without an error stay as they are, and what no
// decryption gives does no harm.
func TestFloodedAlwaysDiffers(t *testing.T) {
	out := &bundle.Node{Scale: []float64{1}}
	a := Approximate{Reals: [][]float64{{1, 2, 3, 4}}, Bound: []float64{1, 1, 1, 1}, Usual: []float64{1, 1, 1, 1}}
	x, y := a.Flooded(out, 20), a.Flooded(out, 20)
	if x.Reals[0][0] == y.Reals[0][0] && x.Reals[0][1] == y.Reals[0][1] {
		t.Errorf("twice %v", x.Reals)
	}
	odd := Approximate{Reals: [][]float64{{math.Inf(1), math.Inf(-1), 1e300}}, Bound: []float64{1, 0x1p-1074, 1e290}, Usual: []float64{1, 0, 1}}
	for o, v := range odd.Flooded(out, MaxFlood).Reals[0] {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("output %d is %v", o, v)
		}
	}
	none := Approximate{Reals: [][]float64{{0.25, 3}}, Bound: []float64{0, 0}, Usual: []float64{0, 0}}
	if r := none.Rounded(out); r.Reals[0][0] != 0.25 || r.Label(out, 0) != 1 || r.Undecided(out, 0) {
		t.Errorf("without errors: %+v", r)
	}
	for _, bits := range []int{-1, 0, MaxFlood + 1} {
		if CheckFlooding("packed-ckks", false, bits) == nil {
			t.Errorf("%d bits are taken", bits)
		}
	}
	if err := CheckFlooding("bgv", true, 4); err == nil || !bytes.Contains([]byte(err.Error()), []byte("bgv")) {
		t.Errorf("exact answers: %v", err)
	}
}

// The example of the documentation: 20 bits, 100 samples of 10 outputs.
func TestFloodedSecurity(t *testing.T) {
	if got := FloodedSecurity(20, 100, 10); math.Abs(got-26.449) > 0.001 {
		t.Errorf("%v bits", got)
	}
}
