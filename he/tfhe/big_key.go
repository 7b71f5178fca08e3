package tfhe

import (
	"context"
	"math/bits"

	"qtool/bundle"
	"qtool/internal/parallel"
	"qtool/kernel/gadget"
)

// A big-key ciphertext is N mask words and a body, modulo 2^32, with the phase
//
//	body + sum mask_i S_i.
type bigKey []uint32

// body is the last word.
func (c bigKey) body() *uint32 { return &c[len(c)-1] }

// newBigKeys makes n big-key ciphertexts of zeros in one piece of memory.
func (p *Parameters) newBigKeys(n int) []bigKey {
	width := p.N() + 1
	all := make([]uint32, n*width)
	cts := make([]bigKey, n)
	for i := range cts {
		cts[i] = all[i*width : (i+1)*width : (i+1)*width]
	}
	return cts
}

// toWord rounds a residue modulo Q to a multiple of 2^-32:
//
//	round(x 2^32 / Q) mod 2^32.
func (p *Parameters) toWord(x uint64) uint32 {
	lo, carry := bits.Add64(x<<32, p.q/2, 0)
	quotient, _ := bits.Div64(x>>32+carry, lo, p.q)
	return uint32(quotient)
}

// extract makes the big-key ciphertext of coefficient j of the ring ciphertext with
// body c0, whose mask words were rounded to the N words c1:
//
//	mask_i = c1[j-i] for i <= j,   -c1[N+j-i] for i > j.
func (p *Parameters) extract(dst bigKey, c0 uint64, c1 []uint32, j int) {
	n := p.N()
	for i := range j + 1 {
		dst[i] = c1[j-i]
	}
	for i := j + 1; i < n; i++ {
		dst[i] = -c1[n+j-i]
	}
	*dst.body() = p.toWord(c0)
}

// phaseOf is the torus element num/den as a word: round(2^32 num/den) mod 2^32,
// for den < 2^31.
func phaseOf(num, den int64) uint32 {
	num %= den
	if num < 0 {
		num += den
	}
	return uint32(((uint64(num)<<32)*2 + uint64(den)) / (2 * uint64(den)))
}

// blockWords is how many words of every ciphertext a task of a linear map takes, so
// that those of all inputs stay in the cache.
const blockWords = 256

// linear evaluates a layer's map on the big-key ciphertexts of all values and puts the accumulators x
// of element o at the phase (x - lo[o] + 1/2) / 2H. The sums are exact modulo
// 2^32; noise grows by the rows' L2 norms and the layer's gain. In a precise plan the
// ciphertexts have the gain already.
func (p *Parameters) linear(ctx context.Context, workers int, dst, src []bigKey, l *layer) error {
	width := p.N() + 1
	blocks := (width + blockWords - 1) / blockWords
	gain := uint32(l.gain)
	if l.precise {
		gain = 1
	}
	return parallel.Run(ctx, workers, blocks, func(_, b int) error {
		from, to := b*blockWords, min((b+1)*blockWords, width)
		for o := range dst {
			if o%64 == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			out := dst[o][from:to]
			if l.rows == nil {
				copy(out, src[l.from+o][from:to])
			} else {
				row(out, src[l.from:], from, l.rows, o)
			}
			if gain != 1 {
				for i := range out {
					out[i] *= gain
				}
			}
			if to == width {
				*dst[o].body() += phaseOf(2*(l.bias(o)-l.lo[o])+1, 4*int64(l.half))
			}
		}
		return nil
	}, nil)
}

// row is words from.. of output o of a linear map.
func row(out []uint32, src []bigKey, from int, rows *bundle.Rows, o int) {
	clear(out)
	in, weights := rows.Row(o)
	for k, i := range in {
		gadget.AddMul(out, src[i][from:], uint32(weights[k]))
	}
}
