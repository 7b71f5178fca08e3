package bundle

import (
	"math/big"
	"math/bits"
)

// digits is a vector of wide integers in base 2^base, each digit with its
// integer's sign:
//
//	x_i = sum_j d[j][i] 2^(j base),   |d[j][i]| < 2^base
//
// so that a linear map takes one pass in int64 for each digit.
type digits struct {
	base uint
	d    [][]int64
}

// minDigit is the shortest digit that is worth it.
const minDigit = 16

// newDigits takes x apart in digits so short that a linear map of L1 norm at most
// norm cannot leave +-2^62. It reports false where they would be shorter than
// minDigit.
func newDigits(x []*big.Int, norm uint64) (digits, bool) {
	base := 62 - bits.Len64(norm)
	if base < minDigit {
		return digits{}, false
	}
	longest := 1
	for _, v := range x {
		longest = max(longest, v.BitLen())
	}
	t := digits{base: uint(base), d: make([][]int64, (longest+base-1)/base)}
	for j := range t.d {
		t.d[j] = make([]int64, len(x))
	}
	mask := uint64(1)<<t.base - 1
	for i, v := range x {
		negative := v.Sign() < 0
		words := v.Bits()
		for j, at := 0, uint(0); int(at) < v.BitLen(); j, at = j+1, at+t.base {
			d := int64(cut(words, at) & mask)
			if negative {
				d = -d
			}
			t.d[j][i] = d
		}
	}
	return t, true
}

// cut is 64 bits of a magnitude from bit at on.
func cut(words []big.Word, at uint) uint64 {
	k, s := at/bits.UintSize, at%bits.UintSize
	var x uint64
	for shift := 0; shift < 64+int(s) && int(k) < len(words); shift += bits.UintSize {
		if shift < int(s) {
			x |= uint64(words[k]) >> s
		} else {
			x |= uint64(words[k]) << (shift - int(s))
		}
		k++
	}
	return x
}

// apply is r.apply on the digits' integers.
func (t digits) apply(r *Rows) Vec {
	sums := make([][]int64, len(t.d))
	for j, d := range t.d {
		sums[j] = make([]int64, r.Outputs())
		r.dots(sums[j], d)
	}
	out := make([]*big.Int, r.Outputs())
	var term big.Int
	for o := range out {
		acc := big.NewInt(sums[len(sums)-1][o])
		for j := len(sums) - 2; j >= 0; j-- {
			acc.Lsh(acc, t.base)
			acc.Add(acc, term.SetInt64(sums[j][o]))
		}
		out[o] = acc.Add(acc, r.Bias.at(o, &term))
	}
	return NewVec(out)
}

// dots is every row times x, without biases; the sums must fit an int64.
func (r *Rows) dots(dst, x []int64) {
	for o := range dst {
		idx, w := r.Row(o)
		w = w[:len(idx)]
		var a, b int64
		k := 0
		for ; k+2 <= len(idx); k += 2 {
			a += int64(w[k]) * x[idx[k]]
			b += int64(w[k+1]) * x[idx[k+1]]
		}
		if k < len(idx) {
			a += int64(w[k]) * x[idx[k]]
		}
		dst[o] = a + b
	}
}
