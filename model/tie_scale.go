package model

import (
	"fmt"
	"math"

	"qtool/internal/elementary"
)

// Tie is the choice of scales for a layer whose output another tensor is added to.
// Where the two are summed the tensor has the scale T, one or one a channel, and
// the layer's scale is to be
//
//	T/k  or  T k,   k a whole number, the same in all channels
//
// so that integer weights k and 1, or 1 and k, make their sum at the finer scale.
type Tie struct {
	target  []float64 // T in each of the layer's channels, or one
	inScale float64   // what the quantizer's scale is multiplied by
	steps   []pathStep
	equal   bool // k is 1: another layer has chosen it for both
}

// pathStep is what a layer between the tied one and the sum makes of a scale s:
// factor * s^degree.
type pathStep struct {
	layer  int
	factor float64
	degree int
}

// multipleBits bounds the significant bits of a k: large ones are far closer to each
// other than scales need to be, while a scale that was rounded to float32 must
// still tell which k it stands for. That rounding counts as often as the degrees of
// the steps say, so that each doubling costs a bit.
const multipleBits = 20

func (t *Tie) bits() int {
	return max(multipleBits-int(math.Ceil(elementary.Log2(t.degree()))), 2)
}

// degree is the power of the layer's scale that its scale in the sum has.
func (t *Tie) degree() float64 {
	d := 1.0
	for _, step := range t.steps {
		d *= float64(step.degree)
	}
	return d
}

// roundBits rounds x to a whole number of so many significant bits, half to even.
func roundBits(x float64, bits int) float64 { return bitsOf(x, bits, math.RoundToEven) }

// bitsOf is roundBits with another way to round.
func bitsOf(x float64, bits int, round func(float64) float64) float64 {
	_, exponent := math.Frexp(x)
	unit := math.Ldexp(1, max(exponent-bits, 0))
	return unit * round(x/unit)
}

// Single reports whether all of the layer's channels must share a scale.
func (t *Tie) Single() bool { return len(t.target) == 1 }

// Nearest are the scales that meet T and are nearest, by their ratio, to the given
// ones: to the largest of them where the tied scale is single, else to all on
// average.
func (t *Tie) Nearest(scales []float32) ([]float32, error) {
	r, err := t.ratio(scales, false)
	if err != nil {
		return nil, err
	}
	return t.quantizer(t.multiple(r))
}

// AtLeast are the smallest scales that meet T of which none is below the given
// one, where the given ones are one for the layer or one an output.
func (t *Tie) AtLeast(scales []float32) ([]float32, error) {
	r, err := t.ratio(scales, true)
	if err != nil {
		return nil, err
	}
	// A scale that meets T already, rounded to float32, stays as it is.
	if n := t.multiple(r); t.equal || math.Abs(n/r-1) < t.degree()*0x1p-23 {
		return t.quantizer(n)
	}
	if r >= 1 {
		return t.quantizer(bitsOf(r, t.bits(), math.Floor))
	}
	return t.quantizer(1 / bitsOf(1/r, t.bits(), math.Ceil))
}

// multiple is the k or 1/k that is nearest to a positive ratio T/s, by quotients.
func (t *Tie) multiple(r float64) float64 {
	if t.equal {
		return 1
	}
	invert := r < 1
	if invert {
		r = 1 / r
	}
	k := math.Floor(r)
	if r/k > (k+1)/r {
		k++
	}
	if k = roundBits(k, t.bits()); invert {
		return 1 / k
	}
	return k
}

// ratio is how often the scale that the layer would have in the sum goes into T:
// the ratio of the quantizer's largest scale where there is one T, or where coarser asks
// for the ratio that none passes, else the geometric mean over the channels.
func (t *Tie) ratio(scales []float32, coarser bool) (float64, error) {
	n := max(len(t.target), len(scales))
	sum, least := 0.0, math.Inf(1)
	for c := range n {
		end := t.end(float64(scales[c*len(scales)/n]) * t.inScale)
		r := math.Abs(t.target[c*len(t.target)/n] / end)
		if !(r > 0) || math.IsInf(r, 0) {
			return 0, fmt.Errorf("%w: of %v and %v in the sum", ErrScales, t.target[c*len(t.target)/n], end)
		}
		sum += elementary.Log(r)
		least = min(least, r)
	}
	if coarser || t.Single() || n == 1 {
		return least, nil
	}
	return elementary.Exp(sum / float64(n)), nil
}

// end is the scale in the sum of a layer with scale s.
func (t *Tie) end(s float64) float64 {
	for _, step := range t.steps {
		s = step.factor * power(s, step.degree)
	}
	return s
}

// power is s^d by d-1 products.
func power(s float64, d int) float64 {
	p := s
	for range d - 1 {
		p *= s
	}
	return p
}

// stages are the magnitudes of the scales at ratio r: of the layer, and of what
// each step makes of it, the last of them |T|/r.
func (t *Tie) stages(r float64) [][]float64 {
	all := make([][]float64, len(t.steps)+1)
	for _, target := range t.target {
		s := math.Abs(target) / r
		if r < 1 {
			s = math.Abs(target) * math.Round(1/r)
		}
		all[len(t.steps)] = append(all[len(t.steps)], s)
		for k := len(t.steps) - 1; k >= 0; k-- {
			step := t.steps[k]
			s = math.Abs(s / step.factor)
			switch step.degree {
			case 1:
			case 2:
				s = math.Sqrt(s)
			default:
				s = elementary.Pow(s, 1/float64(step.degree))
			}
			all[k] = append(all[k], s)
		}
	}
	return all
}

// signed gives magnitudes the sign of s.
func signed(magnitudes []float64, s float64) []float64 {
	out := make([]float64, len(magnitudes))
	for c, m := range magnitudes {
		out[c] = math.Copysign(m, s)
	}
	return out
}

// quantizer are the float32 scales at ratio r.
func (t *Tie) quantizer(r float64) ([]float32, error) {
	out := signed(t.stages(r)[0], t.inScale)
	scales := make([]float32, len(out))
	for c, s := range out {
		scales[c] = float32(s / t.inScale)
		if !(scales[c] >= 0x1p-126) || math.IsInf(float64(scales[c]), 0) {
			return nil, fmt.Errorf("%w: the scale %v that would meet the other is none that float32 holds", ErrScales, s/t.inScale)
		}
	}
	return scales, nil
}

// scaleTolerance is how far a scale may be from the one that it stands for: float32
// rounding and a wide margin, far below half the distance of two neighbouring multiples.
const scaleTolerance = 0x1p-21

// out are the scales that the layer has with the quantizer's scales, which must be
// such that they meet T. They differ from their product with inScale by the rounding
// of the quantizer's scales to float32. It declares the scales of the steps too, which
// so end at T/k or T k itself.
func (t *Tie) out(scales []float32, declare func(layer int, magnitudes []float64)) ([]float64, error) {
	r, err := t.ratio(scales, false)
	if err != nil {
		return nil, err
	}
	stages := t.stages(t.multiple(r))
	out := signed(stages[0], t.inScale)
	for k, step := range t.steps {
		declare(step.layer, stages[k+1])
	}
	for c := range max(len(out), len(scales)) {
		want := out[c%len(out)]
		if got := float64(scales[c%len(scales)]) * t.inScale; math.Abs(got/want-1) > scaleTolerance {
			return nil, fmt.Errorf("%w: it has %.9g, the nearest that meets the other tensor in the sum is %.9g", ErrScales, got, want)
		}
	}
	return out, nil
}

// tie is how layer i is tied, with quantizer scales that are multiplied by
// inScale; nil where it is free.
func (w *walker) tie(i int, inScale float64) *Tie {
	t, ok := w.ties[i]
	if !ok {
		return nil
	}
	n := w.q.Network
	numeric := &Tie{inScale: inScale}
	channels := w.shapes[i][0]
	// Channel c of the layer is at from + c span/channels of the sum's.
	from, span, before := 0, channels, i
	for _, k := range t.path {
		in := w.tensorShape(before)
		switch l := n.Layers[k]; {
		case l.Averages():
			numeric.steps = append(numeric.steps, pathStep{k, 1 / float64(l.Window(in).Area()), 1})
		case l.Type == Flatten:
			f := w.shapes[k][0] / in[0]
			from, span = from*f, span*f
		case l.Type == Concat:
			for _, part := range w.sources[k] {
				if part == before {
					break
				}
				from += w.tensorShape(part)[0]
			}
		case l.Activation():
			a, _ := w.q.Params.Trained(l).PolynomialCoefficients()
			numeric.steps = append(numeric.steps, pathStep{k, a[len(a)-1], len(a) - 1})
		}
		before = k
	}
	target := w.tensor(t.anchor).scale
	if t.peer != i {
		p := w.numeric[t.peer]
		numeric.equal, target = true, []float64{p.end(w.all[t.peer].Out[0])}
	}
	numeric.target = target
	w.numeric[i] = numeric
	if len(target) > 1 {
		total := w.tensorShape(t.anchor)[0]
		numeric.target = make([]float64, channels)
		for c := range numeric.target {
			at := from + c*span/channels
			numeric.target[c] = target[at*len(target)/total]
		}
	}
	return numeric
}

// tied moves a lookup-table activation's scale to where it meets its tie, if the walk may
// change it, and returns it with the scale that it stands for.
func (w *walker) tied(t *Tie, scale float32) (float32, []float64, error) {
	scales := []float32{scale}
	if !t.Single() {
		return 0, nil, fmt.Errorf("%w: a table has one scale, the tensor that it is added to one a channel; weights.per_channel false gives that one scale too", ErrScales)
	}
	if w.observe != nil {
		var err error
		if scales, err = t.Nearest(scales); err != nil {
			return 0, nil, err
		}
	}
	out, err := t.out(scales, w.declare)
	return scales[0], out, err
}

// declare notes the scale of a layer between a tied one and the sum. Its magnitudes,
// one or one a channel of the tied layer, are not taken by layers after a
// concatenation, which have other channels.
func (w *walker) declare(layer int, magnitudes []float64) { w.declared[layer] = magnitudes }

// settle puts the declared scales of layer i, if there are any, in the place of the
// scales that follow from its input, from which they differ by roundings of float64.
func (w *walker) settle(i int, out []float64) []float64 {
	d := w.declared[i]
	if d == nil || len(d) != 1 && len(d) != len(out) {
		return out
	}
	settled := make([]float64, len(out))
	for c, s := range out {
		settled[c] = math.Copysign(d[c%len(d)], s)
		if math.Abs(settled[c]/s-1) > 0x1p-40 {
			return out // other layers decide this one
		}
	}
	return settled
}
