package lstm

import "qtool/internal/elementary"

// factors say what ciphertexts hold: an element q of a tensor is the slot F q, the
// ciphertext's scale and its unit in one. A rescale divides F by the prime. They
// are chosen so that every sum is of equal factors and every cubic monic:
//
//	z:   F_z^3 / (q_1 q_2) = F_gate a_3
//	c':  F_i F_g = F_c input q_3   and   F_f = forget q_3
//	h':  F_o F_c^3 / (q_4^2 q_5) = F_h output a_3, or F_o F_c / q_4 = F_h output
//
// where q_0, q_1, ... are the primes in the order in which the step drops them: q_0
// behind the linear maps. F_x, F_c and F_h are the same in all steps.
type factors struct {
	limbs int // at the start of the step
	q     [6]float64
	// gate and z are the factors of each gate's values and of its arguments, one an element.
	gate, z [4][]float64
}

// constants are the factors that all steps share.
type constants struct{ x, c, h, out float64 }

// stepLimbs is how many primes a step drops.
func (c *cell) stepLimbs() int {
	if c.cell == nil {
		return 5
	}
	return 6
}

// limbs is how many limbs step t's linear maps read; for t = steps, the logits' map.
func (c *cell) limbs(t int) int { return 2 + (c.steps-t)*c.stepLimbs() }

// newConstants puts the largest of every tensor at 2^message, and the logits' at
// 2^out.
func (c *cell) newConstants(message, out int, logit float64) constants {
	m := elementary.Exp2(float64(message))
	return constants{m / c.xMax, m / c.cMax, m / c.hMax, elementary.Exp2(float64(out)) / logit}
}

// factors are the factors of a step that begins with so many limbs of the primes.
func (c *cell) factors(k constants, limbs int, primes []float64) factors {
	f := factors{limbs: limbs}
	for i := range c.stepLimbs() {
		f.q[i] = primes[limbs-1-i]
	}
	each := func(value func(u int) float64) []float64 {
		v := make([]float64, c.hidden)
		for u := range v {
			v[u] = value(u)
		}
		return v
	}
	i := k.c * c.cMax / c.gates[gateI].max
	f.gate[gateI] = each(func(int) float64 { return i })
	f.gate[gateG] = each(func(int) float64 { return k.c * c.input * f.q[3] / i })
	f.gate[gateF] = each(func(int) float64 { return c.forget * f.q[3] })
	f.gate[gateO] = each(func(u int) float64 {
		if c.cell == nil {
			return k.h * c.output * f.q[4] / k.c
		}
		return k.h * c.output * c.cell[u][3] * f.q[4] * f.q[4] * f.q[5] / (k.c * k.c * k.c)
	})
	for g := range c.gates {
		f.z[g] = each(func(u int) float64 { return elementary.Cbrt(f.gate[g][u] * c.gates[g].poly[u][3] * f.q[1] * f.q[2]) })
	}
	return f
}
