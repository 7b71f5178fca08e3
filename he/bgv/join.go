package bgv

import (
	"math"

	"qtool/he/internal/log2"
	"qtool/he/internal/parts"
	"qtool/internal/elementary"
)

// noises are the noises of a circuit's buffers, as far as they are made.
type noises []noise

// freshNoises are the noises of fresh ciphertexts, in front of the first stage.
func freshNoises(c *circuit, logN int, logT float64, primes int) noises {
	all := make(noises, len(c.buffers))
	all[inputBuffer] = freshNoise(logN, logT, elementary.Log2(float64(primes*c.out().elements)))
	return all
}

// rescale lifts the buffers that are kept behind segment i and divides them by logP bits
// of primes.
func (e noises) rescale(c *circuit, i int, logP float64) {
	for _, k := range c.segments[i].kept {
		e[k.buffer].lift(k.lift)
		e[k.buffer].rescale(logP, c.buffers[k.buffer].degree)
	}
}

// excess is how many bits the noise of one of the buffers that are kept behind segment i
// has above what a rescale adds, rounded up.
func (e noises) excess(c *circuit, i int) float64 {
	most := 0.0
	for _, k := range c.segments[i].kept {
		n := e[k.buffer]
		n.lift(k.lift)
		most = max(most, math.Ceil(n.total()-n.rounding(c.buffers[k.buffer].degree)))
	}
	return most
}

// stage is the noise of what s makes.
func (e noises) stage(s *stage) noise {
	if s.by != nil {
		x, y := e.source(&s.from), e.source(s.by)
		return worst(x).product(worst(y))
	}
	out := worst(e.source(&s.from))
	if s.rows != nil {
		out = e.linear(&s.from, s.norms)
	}
	if s.poly != nil {
		out.polynomial(s.poly)
	}
	if s.pool != nil {
		out = noises{out}.linear(&source{parts: parts.All(0, 0), lifts: []int{0}}, s.poolNorms)
	}
	return out
}

// source is the noise of each part of what a stage reads, lifted.
func (e noises) source(s *source) []noise {
	var all []noise
	for k, p := range s.parts {
		n := e[p.Buffer]
		n.lift(s.lifts[k])
		all = append(all, n)
	}
	return all
}

// worst is the largest noise that an element of one of the parts can have.
func worst(parts []noise) noise {
	all := parts[0]
	for _, e := range parts[1:] {
		all.own, all.shared = max(all.own, e.own), max(all.shared, e.shared)
		all.secret, all.errors = max(all.secret, e.secret), max(all.errors, e.errors)
	}
	return all
}

// linear is the noise behind rows of the given norms. Parts of one buffer have one lift.
func (e noises) linear(s *source, norms parts.Norms) noise {
	all := e.source(s)
	out := worst(all)
	most := math.Inf(-1)
	for _, row := range norms.Rows {
		own, shared := math.Inf(-1), math.Inf(-1)
		for k, n := range row {
			own = log2.RootSumSquare(own, all[norms.Parts[k]].own+float64(elementary.Log2(n.Square)/2))
			shared = log2.Sum(shared, all[norms.Parts[k]].shared+elementary.Log2(n.L1))
		}
		most = max(most, log2.RootSumSquare(own, shared))
	}
	// A row without weights leaves a constant, below t in size.
	out.own, out.shared = math.Inf(-1), max(most, 0)
	return out
}

// lift multiplies by a power of the scale modulo t, which is 1 before the first
// rescale.
func (e *noise) lift(power int) {
	if power > 0 && e.scaled {
		e.own += e.logT - 1
		e.shared += e.logT - 1
	}
}

// product is the noise of a product of x and y, which may come from the same errors.
func (x noise) product(y noise) noise {
	out := x
	dx, dy := float64(x.secret), float64(y.secret)
	moments := 1 + logFactorial(dx+dy) - logFactorial(dx) - logFactorial(dy)
	out.own, out.shared = math.Inf(-1), x.logT+x.total()+y.total()+float64(x.logN/2)+float64(moments/2)
	out.secret, out.errors = x.secret+y.secret, x.errors+y.errors
	return out
}
