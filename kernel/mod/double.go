package mod

// doubles are the constants of arithmetic on float64 modulo q < 2^50, each in the
// eight lanes of the longest vectors: q; the float64 nearest to 1/q; 1.5 2^52,
// which added and subtracted rounds to integers; 2^52, below whose exponent a word
// has the bits of a number; 1.5 2^52 + 2^49, which rounds what is longer to integers
// less precisely; and 2^52 + q and 2^52 + 2q.
type doubles [7][8]float64

func newDoubles(q uint64) *doubles {
	d := new(doubles)
	f := float64(q)
	for k, v := range [...]float64{f, 1 / f, 3 << 51, 1 << 52, 3<<51 + 1<<49, 1<<52 + f, 1<<52 + 2*f} {
		for i := range d[k] {
			d[k][i] = v
		}
	}
	return d
}

// constants is where kernels read d.
func (d *doubles) constants() *float64 { return &d[0][0] }

// centered is w in [0, q) as a number in [-q/2, q/2], and the float64 nearest to
// its ratio to q: what the product with a constant needs on float64.
func (m *Modulus) centered(w uint64) (number, ratio float64) {
	number = float64(w)
	if w > m.Q/2 {
		number = -float64(m.Q - w)
	}
	return number, number / float64(m.Q)
}
