package ptq

import (
	"context"
	"math"

	"qtool/internal/elementary"
)

// rounding is the choice between two neighbouring integers for every weight of a
// layer, of shape [outputs, inputs]: lower or lower + step. A step of 0 leaves no
// choice.
type rounding struct {
	m           *moments
	scales      []float64 // one an output
	lower, step []float64
	fraction    []float64 // where the weight lies between the two, 0..1
	nearest     []float64 // 0 or 1: the nearer of the two
}

func newRounding(m *moments) *rounding {
	n := m.outputs * m.inputs
	return &rounding{
		m: m, scales: make([]float64, m.outputs),
		lower: make([]float64, n), step: make([]float64, n), fraction: make([]float64, n), nearest: make([]float64, n),
	}
}

// learnSteps is the number of gradient steps.
const learnSteps = 1000

// Constants of the rectified sigmoid h(v) = clamp(stretch sigmoid(v) + shift, 0, 1)
// and of the schedule.
const (
	stretch    = 1.2
	shift      = -0.1
	learnRate  = 0.02
	penalty    = 3.0 // weight of the regulariser, where plain rounding loses 1
	warmup     = 0.2 // share of the steps without it
	firstPower = 20.0
	lastPower  = 2.0
)

// learn returns 0 or 1 for each weight: whether it is rounded up. With the
// layer's inputs y, its targets t and h in [0, 1] for each weight it minimises,
// summed over outputs o,
//
//	E_o/N_o + penalty/K sum_k (1 - |2 h_ok - 1|^beta)
//	E_o = sum (t_o - scale_o sum_k (lower_ok + step_ok h_ok) y_k)^2
//
// where N_o is E_o of rounding to nearest. h is a rectified sigmoid of a variable
// that starts at the weight itself and follows Adam; beta falls from 20 to 2 and
// so drives h to 0 or 1. E is a quadratic form of the samples' second moments:
// each step is one on all samples at once, and the result depends on nothing
// random. What is not better than rounding to nearest, output by output, is
// rounded to nearest, and then single weights change sides as long as that makes
// E_o smaller. So E_o is never above N_o.
//
// Reference: Nagel et al., arXiv 2004.10568, sections 3.2 and 3.3 (asymmetric
// reconstruction).
func (r *rounding) learn(ctx context.Context, step func()) ([]float64, error) {
	v := make([]float64, len(r.fraction))
	for k, f := range r.fraction {
		s := (f - shift) / stretch
		v[k] = elementary.Log(s / (1 - s))
	}
	plain := r.errors(r.nearest)
	adam := newAdam(len(v))
	h, gradient, slopes := make([]float64, len(v)), make([]float64, len(v)), make([]float64, len(v))
	for t := range learnSteps {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for k, x := range v {
			s := 1 / (1 + elementary.Exp(-x))
			h[k] = float64(stretch*s) + shift
			slopes[k] = stretch * s * (1 - s)
			if h[k] <= 0 || h[k] >= 1 {
				h[k], slopes[k] = min(max(h[k], 0), 1), 0
			}
		}
		r.gradient(gradient, h, plain)
		if done := float64(t) / learnSteps; done >= warmup {
			beta := firstPower + (lastPower-firstPower)*(done-warmup)/(1-warmup)
			for k, x := range h {
				d := 2*x - 1
				gradient[k] -= float64(penalty / float64(r.m.inputs) * 2 * beta * math.Copysign(elementary.Pow(math.Abs(d), beta-1), d))
			}
		}
		for k := range gradient {
			gradient[k] *= slopes[k]
		}
		adam.step(v, gradient)
		step()
	}
	up := make([]float64, len(v))
	for k, x := range h {
		up[k] = math.Floor(x + 0.5)
	}
	learnt := r.errors(up)
	for o := range learnt {
		row := up[o*r.m.inputs : (o+1)*r.m.inputs]
		if !(learnt[o] < plain[o]) {
			copy(row, r.nearest[o*r.m.inputs:(o+1)*r.m.inputs])
		}
		r.flip(o, row)
	}
	return up, nil
}

// weights are scale_o (lower + step h).
func (r *rounding) weights(h []float64) []float64 {
	w := make([]float64, len(h))
	for k := range h {
		w[k] = r.scales[k/r.m.inputs] * (r.lower[k] + float64(r.step[k]*h[k]))
	}
	return w
}

// errors is E_o of every output.
func (r *rounding) errors(h []float64) []float64 {
	w := r.weights(h)
	image := r.times(w)
	e := make([]float64, r.m.outputs)
	for o := range e {
		e[o] = r.m.targets[o]
		for k := o * r.m.inputs; k < (o+1)*r.m.inputs; k++ {
			e[o] += float64(w[k] * (image[k] - 2*r.m.products[k]))
		}
		e[o] = max(e[o], 0)
	}
	return e
}

// times is w times the second moments of the inputs.
func (r *rounding) times(w []float64) []float64 {
	y := make([]float64, len(w))
	addProduct(y, w, r.m.squares, r.m.outputs, r.m.inputs, r.m.inputs)
	return y
}

// gradient is d/dh of sum E_o/N_o. An output that rounding to nearest gets
// exactly right has none.
func (r *rounding) gradient(dst, h, plain []float64) {
	image := r.times(r.weights(h))
	for k := range dst {
		o := k / r.m.inputs
		dst[k] = 0
		if plain[o] > 0 {
			dst[k] = 2 * (image[k] - r.m.products[k]) * r.scales[o] * r.step[k] / plain[o]
		}
	}
}

// flip rounds single weights of output o the other way, each time the one that
// lowers E_o most, until none does. A change below 2^-40 of the targets' sum of
// squares is no gain: float64 cannot tell.
func (r *rounding) flip(o int, up []float64) {
	n := r.m.inputs
	// slope is half of dE/dw.
	slope := make([]float64, n)
	for k := range slope {
		slope[k] = -r.m.products[o*n+k]
	}
	for k := range up {
		w := r.scales[o] * (r.lower[o*n+k] + float64(r.step[o*n+k]*up[k]))
		axpy(slope, w, r.m.squares[k*n:(k+1)*n])
	}
	least := r.m.targets[o] * 0x1p-40
	for range 4 * n {
		best, at, by := -least, -1, 0.0
		for k := range up {
			d := r.scales[o] * r.step[o*n+k] * (1 - 2*up[k])
			if change := d * (2*slope[k] + float64(d*r.m.squares[k*n+k])); change < best {
				best, at, by = change, k, d
			}
		}
		if at < 0 {
			return
		}
		up[at] = 1 - up[at]
		axpy(slope, by, r.m.squares[at*n:(at+1)*n])
	}
}

// adam is the optimiser of Kingma and Ba, arXiv 1412.6980, with its usual
// constants.
type adam struct {
	mean, square []float64
	t            float64
}

func newAdam(n int) *adam { return &adam{mean: make([]float64, n), square: make([]float64, n)} }

func (a *adam) step(x, gradient []float64) {
	const decay, squareDecay, epsilon = 0.9, 0.999, 1e-12
	a.t++
	rate := learnRate * math.Sqrt(1-elementary.Pow(squareDecay, a.t)) / (1 - elementary.Pow(decay, a.t))
	for i, g := range gradient {
		a.mean[i] += float64((1 - decay) * (g - a.mean[i]))
		a.square[i] += float64((1 - squareDecay) * (float64(g*g) - a.square[i]))
		x[i] -= rate * a.mean[i] / (math.Sqrt(a.square[i]) + epsilon)
	}
}
