package engine

import "github.com/tuneinsight/lattigo/v5/ring"

// Integers writes the polynomial of the coefficients to dst in the NTT domain,
// and in Montgomery form if montgomery: a limb modulo each of the rings.
func Integers(dst Poly, subs []*ring.SubRing, coefficients []int64, montgomery bool) {
	for i, s := range subs {
		x := dst[i]
		for k, c := range coefficients {
			sign := uint64(c >> 63)
			v := ring.BRedAdd((uint64(c)^sign)-sign, s.Modulus, s.BRedConstant)
			// q - v for negative ones, which is q for zero: NTT takes that.
			x[k] = v ^ (v^(s.Modulus-v))&sign
		}
		s.NTT(x, x)
		if montgomery {
			s.MForm(x, x)
		}
	}
}
