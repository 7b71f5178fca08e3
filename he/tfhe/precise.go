package tfhe

import (
	"context"
	"math/bits"

	"qtool/internal/parallel"
	"qtool/kernel/mod"
)

// An exact ciphertext is N mask residues and a body, modulo Q, with the phase
//
//	body + sum mask_i S_i  (mod Q),
//
// in units of 1/Q of the torus. It is what extraction takes out of a ring ciphertext
// before big-key ciphertexts are rounded to words; that rounding, of variance toWord, is
// too coarse for logits of many bits. A precise plan keeps exact ciphertexts of the
// values that its last layer reads, and adds them up modulo Q. A big-key ciphertext of the
// same value, for layers with tables, is rounded from gain times the exact one.
type exact []uint64

// body is the last residue.
func (c exact) body() *uint64 { return &c[len(c)-1] }

// exactBytes is the memory of an exact ciphertext.
func (l *ParametersLiteral) exactBytes() int64 { return 8 * (1<<l.LogN + 1) }

// newExacts makes n exact ciphertexts of zeros in one piece of memory.
func (p *Parameters) newExacts(n int) []exact {
	width := p.N() + 1
	all := make([]uint64, n*width)
	cts := make([]exact, n)
	for i := range cts {
		cts[i] = all[i*width : (i+1)*width : (i+1)*width]
	}
	return cts
}

// newKept makes exact ciphertexts for those of the values first..first+n-1 that the
// last layer reads; the others are nil. All are nil unless the plan is precise.
func (p *Plan) newKept(first, n int) []exact {
	kept := make([]exact, n)
	if !p.precise() {
		return kept
	}
	count := 0
	for _, e := range p.encodings[first : first+n] {
		if e.logits {
			count++
		}
	}
	made := p.params.newExacts(count)
	for i := range kept {
		if p.encodings[first+i].logits {
			kept[i], made = made[0], made[1:]
		}
	}
	return kept
}

// extractExact makes the exact ciphertext of coefficient j of the ring ciphertext with
// body c0 and mask c1:
//
//	mask_i = c1[j-i] for i <= j,   -c1[N+j-i] for i > j.
func (p *Parameters) extractExact(dst exact, c0 uint64, c1 []uint64, j int) {
	n := p.N()
	for i := range j + 1 {
		dst[i] = c1[j-i]
	}
	for i := j + 1; i < n; i++ {
		x := c1[n+j-i]
		if x != 0 {
			x = p.q - x
		}
		dst[i] = x
	}
	*dst.body() = c0
}

// toWords rounds gain times every residue to a multiple of 2^-32:
//
//	dst_i = round((gain x_i mod Q) 2^32 / Q) mod 2^32.
func (p *Parameters) toWords(dst []uint32, x []uint64, gain int) {
	if gain == 1 {
		for i, x := range x {
			dst[i] = p.toWord(x)
		}
		return
	}
	for i, x := range x {
		dst[i] = p.toWord(p.modulus.Mul(x, uint64(gain)))
	}
}

// linearExact evaluates the last layer's map on exact ciphertexts and puts the
// accumulators x of element o at the phase (x - lo[o] + 1/2) / 2H. The sums are exact
// modulo Q.
func (p *Parameters) linearExact(ctx context.Context, workers int, dst, src []exact, l *layer) error {
	var factors []mod.Factor // of the rows' weights
	if l.rows != nil {
		factors = make([]mod.Factor, len(l.rows.W))
		for i, w := range l.rows.W {
			factors[i] = p.modulus.Factor(p.signed(int64(w)))
		}
	}
	width := p.N() + 1
	blocks := (width + blockWords - 1) / blockWords
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
				clear(out)
				in, _ := l.rows.Row(o)
				for k, i := range in {
					p.modulus.AddScale(out, out, src[l.from+int(i)][from:to], factors[int(l.rows.Start[o])+k])
				}
			}
			if to == width {
				body := dst[o].body()
				*body = (*body + p.encode(2*(l.bias(o)-l.lo[o])+1, 4*int64(l.half))) % p.q
			}
		}
		return nil
	}, nil)
}

// signed is x modulo Q for any x.
func (p *Parameters) signed(x int64) uint64 { return uint64(modulo(x, int64(p.q))) }

// exactPhase is an exact ciphertext's, as a multiple of 1/Q.
func (k *SecretKey) exactPhase(c exact) uint64 {
	q := k.params.q
	sum := *c.body()
	for i, s := range k.bigKey {
		switch s {
		case 1:
			sum = (sum + c[i]) % q
		case -1:
			sum = (sum + q - c[i]) % q
		}
	}
	return sum
}

// exactMessage is the message of an accumulator's phase x/q in a message space of 2 half,
// and the phase's distance from the message's middle.
func exactMessage(x, q uint64, half int) (j int, noise float64) {
	space := 2 * uint64(half)
	hi, lo := bits.Mul64(x, space)
	at, rest := bits.Div64(hi, lo, q)
	return int(at), (float64(rest)/float64(q) - 0.5) / float64(space)
}
