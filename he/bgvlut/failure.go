package bgvlut

import (
	"math"

	"qtool/he/internal/log2"
	"qtool/internal/elementary"
)

// failureBits is minus log2 of the probability that a batch decrypts wrongly, by the model
// at noise. It is the level at which a wrong decryption is as hard to come by as the key is
// to guess: whoever sees that one happened learns of the key.
//
// Reference: Cheon, Choe, Passelègue, Stehlé, Suvanto, "Attacks Against the IND-CPA-D
// Security of Exact FHE Schemes", 2024 (ia.cr/2024/127).
const failureBits = 128

// model is what the noise depends on beside the program's weights.
type model struct {
	logN, logT float64
	// tail is the exponent of the probability that a bound at a root of unity does not
	// hold: (1+tail) e^-tail, at each root and for each polynomial that errors are drawn
	// or rounded in, is 2^-(failureBits+1) a batch.
	tail float64
	// masks are log2 of what ciphertexts are multiplied by to be packed, before a table and
	// without one; copies is 1 where they are not.
	copies int
	masks  [2]float64
	// coefficients is log2 of the outputs' coefficients of a batch.
	coefficients float64
}

// model is the layout's, for tables that are evaluated by trees.
func (l *layout) model(stages []stage, all []tables) model {
	m := model{logN: float64(l.logN), logT: elementary.Log2(float64(l.t)), copies: l.copies}
	if t := field(l.t); l.copies > 1 { // of both roots of -1 the masks are of one size
		m.masks = [2]float64{t.short(t.imaginary()).of[0].log(), t.exact(t.imaginary()).of[0].log()}
	}
	polynomials := float64(stages[0].inputs)
	for i := range stages {
		if stages[i].table != nil {
			// No more products and divisions than powers up to the leaf and twice the leaves.
			polynomials += float64(float64(stages[i].between) * (elementary.Exp2(float64(all[i].tree.baby)) + elementary.Exp2(float64(all[i].tree.height+1))))
		}
		if all[i].swaps { // a key switch, of which both polynomials are rounded
			polynomials += float64(2 * stages[i].between)
		}
	}
	least := float64((failureBits + 1 + m.logN - 1 + elementary.Log2(polynomials)) * math.Ln2)
	for range 8 { // converges by a factor of the tail each time
		m.tail = least + elementary.Log(1+m.tail)
	}
	m.coefficients = m.logN + elementary.Log2(float64(stages[len(stages)-1].outputs))
	return m
}

// spread is log2 of how many times the bound over sqrt(N) the coefficients of outputs may
// be but for a probability of 2^-(failureBits+1) a batch: with random phases a sum is above
// r times the square root of its squares' sum with a probability of at most 2 e^(-r^2/2).
func (m model) spread() float64 {
	return elementary.Log2(2*math.Ln2*(failureBits+2+m.coefficients)) / 2
}

// logFailure is log2 of a bound on the probability that a batch whose outputs have noise e
// modulo Q decrypts wrongly: that a bound at a root does not hold, or that a coefficient is
// above what the bounds give.
func (m model) logFailure(e, logQ float64) float64 {
	r := elementary.Exp2(logQ - 1 - m.logT - e + float64(m.logN/2))
	return min(0, log2.Sum(-failureBits-1, 1+m.coefficients-float64(r*r/(2*math.Ln2))))
}

// LogFailure is log2 of a bound on the probability that decrypting a batch gives a wrong
// result, by the noise model.
func (p *Plan) LogFailure() float64 {
	m := p.layout.model(p.stages, p.tables)
	e, _ := m.walk(p.stages, p.tables, p.layout.divide, nil)
	return m.logFailure(e.total(), log2.Product(p.layout.q[:p.layout.last()]))
}
