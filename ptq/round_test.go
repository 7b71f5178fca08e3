package ptq

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// samplesOf draws n samples of a layer whose inputs depend on one another, and
// targets near a linear function of them.
func samplesOf(r *rand.Rand, n, inputs, outputs int, weights []float64) (y, t []float64) {
	for range n {
		common := r.NormFloat64()
		row := make([]float64, inputs)
		for k := range row {
			row[k] = common + 0.5*r.NormFloat64() + 0.3
		}
		y = append(y, row...)
		for o := range outputs {
			v := 0.1 * r.NormFloat64()
			for k, x := range row {
				v += weights[o*inputs+k] * x
			}
			t = append(t, v)
		}
	}
	return y, t
}

// problem is a random layer to be rounded, with its samples.
func problem(seed uint64, inputs, outputs int) (r *rounding, y, t []float64) {
	g := rand.New(rand.NewPCG(seed, 5))
	weights := make([]float64, inputs*outputs)
	m := newMoments(inputs, outputs)
	r = newRounding(m)
	for o := range r.scales {
		r.scales[o] = 0.1 + 0.1*g.Float64()
	}
	for k := range weights {
		weights[k] = g.NormFloat64()
		u := weights[k] / r.scales[k/inputs]
		r.lower[k], r.step[k] = math.Floor(u), 1
		r.fraction[k] = u - r.lower[k]
		r.nearest[k] = math.RoundToEven(r.fraction[k])
	}
	y, t = samplesOf(g, 50, inputs, outputs, weights)
	m.add(y[:20*inputs], t[:20*outputs])
	rest := newMoments(inputs, outputs)
	rest.add(y[20*inputs:], t[20*outputs:])
	m.merge(rest)
	return r, y, t
}

// direct is E_o from the samples themselves.
func (r *rounding) direct(h, y, t []float64, centred bool) []float64 {
	n, k := r.m.inputs, r.m.outputs
	w := r.weights(h)
	e := make([]float64, k)
	for o := range e {
		var d []float64
		mean := 0.0
		for s := range len(t) / k {
			v := t[s*k+o]
			for j := range n {
				v -= w[o*n+j] * y[s*n+j]
			}
			d = append(d, v)
			mean += v
		}
		mean /= float64(len(d))
		for _, v := range d {
			if centred {
				v -= mean
			}
			e[o] += v * v
		}
	}
	return e
}

// The moments give the squared error of the samples, as it is and with every
// output's mean taken out.
func TestMoments(t *testing.T) {
	for _, centred := range []bool{false, true} {
		r, y, z := problem(1, 6, 3)
		if centred {
			r.m.centre()
		}
		for _, h := range [][]float64{r.nearest, r.fraction, make([]float64, 18)} {
			got, want := r.errors(h), r.direct(h, y, z, centred)
			for o := range want {
				// 50 samples in float64, against the largest sum.
				if math.Abs(got[o]-want[o]) > 1e-12*r.m.targets[o] {
					t.Errorf("centred %v: error %v of output %d, want %v", centred, got[o], o, want[o])
				}
			}
		}
	}
}

// Learnt rounding never loses more than rounding to nearest, nor less than the
// best of all choices; and changing a single weight improves nothing.
func TestLearnNeverWorse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		inputs, outputs := rapid.IntRange(1, 8).Draw(t, "inputs"), rapid.IntRange(1, 3).Draw(t, "outputs")
		r, y, z := problem(rapid.Uint64().Draw(t, "seed"), inputs, outputs)
		if rapid.Bool().Draw(t, "fixed") {
			k := rapid.IntRange(0, inputs*outputs-1).Draw(t, "fixed weight")
			r.step[k], r.fraction[k], r.nearest[k] = 0, 0, 0
		}
		up, err := r.learn(context.Background(), func() {})
		if err != nil {
			t.Fatal(err)
		}
		got, plain := r.direct(up, y, z, false), r.direct(r.nearest, y, z, false)
		for o := range got {
			room := 1e-11 * r.m.targets[o]
			best := math.Inf(1)
			row := up[o*inputs : (o+1)*inputs]
			learnt := append([]float64(nil), row...)
			for choice := range 1 << inputs {
				changed := 0
				for k := range row {
					row[k] = float64(choice >> k & 1)
					if row[k] != learnt[k] {
						changed++
					}
				}
				e := r.errors(up)[o]
				best = min(best, e)
				if changed == 1 && e < got[o]-room {
					t.Fatalf("output %d: error %v, with one weight changed %v", o, got[o], e)
				}
			}
			copy(row, learnt)
			if got[o] > plain[o]+room || got[o] < best-room {
				t.Fatalf("output %d: error %v, rounding to nearest %v, the best %v", o, got[o], plain[o], best)
			}
		}
	})
}

// The gradient agrees with central differences of sum E_o/N_o.
func TestGradient(t *testing.T) {
	r, _, _ := problem(3, 5, 2)
	plain := r.errors(r.nearest)
	h := append([]float64(nil), r.fraction...)
	got := make([]float64, len(h))
	r.gradient(got, h, plain)
	loss := func() (sum float64) {
		for o, e := range r.errors(h) {
			sum += e / plain[o]
		}
		return sum
	}
	for k := range h {
		const d = 1e-4
		at := h[k]
		h[k] = at + d
		above := loss()
		h[k] = at - d
		below := loss()
		h[k] = at
		// A quadratic has no third derivative: what is left is float64 over 2d.
		if want := (above - below) / (2 * d); math.Abs(got[k]-want) > 1e-7*math.Max(1, math.Abs(want)) {
			t.Errorf("weight %d: gradient %v, differences give %v", k, got[k], want)
		}
	}
}

// On layers of a real one's size learning beats rounding to nearest by far.
func TestLearnHelps(t *testing.T) {
	r, _, _ := problem(9, 60, 10)
	up, err := r.learn(context.Background(), func() {})
	if err != nil {
		t.Fatal(err)
	}
	learnt, plain := 0.0, 0.0
	for o, e := range r.errors(up) {
		learnt += e
		plain += r.errors(r.nearest)[o]
	}
	if learnt > plain/2 {
		t.Errorf("error %v, rounding to nearest %v", learnt, plain)
	}
}

func TestLearnStops(t *testing.T) {
	r, _, _ := problem(1, 4, 1)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if up, err := r.learn(ctx, func() {}); err == nil || up != nil {
		t.Errorf("%v, error %v after cancelling", up, err)
	}
}
