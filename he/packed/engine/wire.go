package engine

import "qtool/he/wire"

// Write writes the coefficients.
func (c Ciphertext) Write(out *wire.Writer) {
	for _, p := range c {
		for _, x := range p {
			out.Words64(x)
		}
	}
}

// ReadCiphertexts reads what Write wrote of n ciphertexts of so many polynomials each, in
// a ring of degree 2^logN, with a limb for each modulus: no further than the first error,
// which is in's.
func ReadCiphertexts(in *wire.Reader, n, polys, logN int, moduli []uint64) []Ciphertext {
	var all []Ciphertext
	for len(all) < n && in.Err() == nil {
		c := make(Ciphertext, polys)
		for h := range c {
			c[h] = make(Poly, len(moduli))
			for i, q := range moduli {
				c[h][i] = in.NewWords64(1<<logN, q)
			}
		}
		all = append(all, c)
	}
	return all
}
