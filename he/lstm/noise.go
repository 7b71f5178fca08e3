package lstm

import (
	"math"
	"qtool/he/internal/ckksnoise"
)

// noise predicts standard deviations of errors in a tensor's elements, in the
// units of the program's integers: what the server's reals differ by from the
// integer reference. In a slot they are the roots of package ckksnoise's variances,
// over the factor F of the tensor. An operation passes
// errors on by its largest derivative over the static bounds of its inputs; the
// rounding of the reference's Shifts counts as an independent uniform error of
// half a unit each. Variances add up; products of errors are left out, being
// smaller by the precision itself.
//
// A stated bound is sureness deviations: errors are sums of many independent
// ones, and a result is farther off with probability 2^-28.
type noise struct {
	*ckksnoise.Sources
	q      []float64
	cell   *cell // whose magnitudes count
	proved *cell // that the factors were chosen for
	shared constants
}

const sureness = 6

func (n *noise) fresh() float64 { return math.Sqrt(n.Fresh(1)) }

func (n *noise) rounding() float64 { return math.Sqrt(n.Rounding(1)) }

func (n *noise) diagonal() float64 { return math.Sqrt(n.Diagonal()) }

func (n *noise) switching(limbs int) float64 { return math.Sqrt(n.Switching(limbs, 1)) }

func sq(x float64) float64 { return float64(x * x) }

// logits are the deviations of the logits.
func (n *noise) logits() []float64 {
	c := n.cell
	var errC, errH float64 // of the largest element
	for t := range c.steps {
		errC, errH = n.step(t, errC, errH)
	}
	limbs := c.limbs(c.steps)
	out := make([]float64, len(c.w))
	for o, row := range c.w {
		out[o] = math.Sqrt(n.linear(limbs, n.shared.out, row, n.shared.h, c.hMax, errH))
	}
	return out
}

// linear is the variance behind a rotated and rescaled product with a row of
// weights whose inputs have the factor in, the magnitude top and the error err.
func (n *noise) linear(limbs int, factor float64, row []float64, in, top, err float64) float64 {
	norm, terms := 0.0, 0.0
	for _, w := range row {
		if w != 0 {
			terms++
		}
		norm += float64(w * w)
	}
	input := sq(err) + sq(n.switching(limbs)/in)
	encoding := float64(terms * sq(n.diagonal()*in*top/(factor*n.q[limbs-1])))
	return float64(norm*input) + encoding + sq(n.rounding()/factor)
}

// step is the errors of c and h behind step t, given their errors before it.
func (n *noise) step(t int, errC, errH float64) (nextC, nextH float64) {
	c, k := n.cell, n.shared
	f := n.proved.factors(k, c.limbs(t), n.q)
	var errs [4]float64
	for g := range c.gates {
		gate := &c.gates[g]
		for u := range c.hidden {
			z := n.linear(f.limbs, f.z[g][u], gate.x[u], k.x, c.xMax, n.fresh()/k.x)
			if t > 0 {
				z += n.linear(f.limbs, f.z[g][u], gate.h[u], k.h, c.hMax, errH)
			}
			z += gate.roundZ
			v := float64(z*sq(slope(gate.poly[u], gate.zMax))) + gate.round
			// The square's rounding and switching meet z, the product's stand alone.
			op := sq(n.rounding()) + sq(n.switching(f.limbs-1)/f.q[1])
			v += op * (sq(f.z[g][u]*gate.zMax/f.q[2]) + 1) / sq(f.gate[g][u])
			errs[g] = math.Max(errs[g], math.Sqrt(v))
		}
	}
	op := sq(n.rounding()) + sq(n.switching(f.limbs-3)/f.q[3])
	v := float64(sq(c.input)*(sq(c.gates[gateI].max*errs[gateG])+sq(c.gates[gateG].max*errs[gateI]))) + op/sq(k.c) + c.roundC
	if t > 0 {
		v += float64(sq(c.forget) * (sq(c.gates[gateF].max*errC) + sq(c.cMax*errs[gateF])))
	}
	nextC = math.Sqrt(v)

	op = sq(n.rounding()) + sq(n.switching(f.limbs-4)/f.q[4])
	o := c.gates[gateO].max
	for u := range c.hidden {
		var v float64
		if c.cell == nil {
			v = float64(sq(c.output) * (sq(c.cMax*errs[gateO]) + sq(o*nextC)))
		} else {
			a := c.cell[u]
			v = float64(sq(c.output) * (sq(greatest(a, c.cMax)*errs[gateO]) + float64(sq(o)*(sq(slope(a, c.cMax)*nextC)+c.roundU))))
			// The roundings of o c and of c^2 meet each other's value.
			square := k.c * k.c * (sq(c.cMax) + float64(math.Abs(a[2]/a[3])*c.cMax) + math.Abs(a[1]/a[3])) / f.q[4]
			product := math.Abs(f.gate[gateO][u]) * o * k.c * c.cMax / f.q[4]
			v += op * (sq(square/f.q[5]) + sq(product/f.q[5])) / sq(k.h)
		}
		v += op/sq(k.h) + c.roundH
		nextH = math.Max(nextH, math.Sqrt(v))
	}
	return nextC, nextH
}

// slope is the largest magnitude of a cubic's derivative on [-m, m].
func slope(a [4]float64, m float64) float64 {
	at := func(x float64) float64 { return math.Abs(a[1] + float64(2*a[2]*x) + float64(3*a[3]*x*x)) }
	s := math.Max(at(m), at(-m))
	if x := -a[2] / (3 * a[3]); math.Abs(x) < m {
		s = math.Max(s, at(x))
	}
	return s
}

// greatest is the largest magnitude of a cubic on [-m, m].
func greatest(a [4]float64, m float64) float64 {
	at := func(x float64) float64 { return math.Abs(a[0] + float64(x*(a[1]+float64(x*(a[2]+float64(x*a[3])))))) }
	s := math.Max(at(m), at(-m))
	if d := float64(a[2]*a[2]) - float64(3*a[3]*a[1]); d >= 0 {
		for _, root := range []float64{math.Sqrt(d), -math.Sqrt(d)} {
			if x := (-a[2] + root) / (3 * a[3]); math.Abs(x) < m {
				s = math.Max(s, at(x))
			}
		}
	}
	return s
}
