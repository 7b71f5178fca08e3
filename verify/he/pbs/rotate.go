package pbs

import (
	"math/bits"

	"github.com/tuneinsight/lattigo/v5/ring"
)

// rotator is what one goroutine rotates with.
type rotator struct {
	params *Parameters
	keys   *EvaluationKeys
	digits [][]uint64    // 2L, in the NTT domain, below 2Q
	diff   []uint64      // a rotated polynomial less the unrotated
	sum    [2][]uint64   // an external product
	accs   [][2][]uint64 // accumulators of a batch, in the coefficient domain
	words  []uint32      // an accumulator's mask on its way to a wide ciphertext
}

func newRotator(p *Parameters, keys *EvaluationKeys, batch int) *rotator {
	poly := func() []uint64 { return make([]uint64, p.N()) }
	r := &rotator{params: p, keys: keys, diff: poly(), sum: [2][]uint64{poly(), poly()}, words: make([]uint32, p.N())}
	for range p.rows() {
		r.digits = append(r.digits, poly())
	}
	for range batch {
		r.accs = append(r.accs, [2][]uint64{poly(), poly()})
	}
	return r
}

// start sets accumulator k to the test polynomial times X^-body:
//
//	c_0 = v X^-body,   c_1 = 0,
//
// where v is F of the package comment on N positions, in units of half a slot of
// the next layer, as table.at is twice the entry.
func (r *rotator) start(k int, t *table, slots int, body uint32, outSlots int) {
	p := r.params
	n := p.N()
	c0, c1 := r.accs[k][0], r.accs[k][1]
	clear(c1)
	last, value := -1, uint64(0)
	for i := range r.diff {
		if j := p.slotAt(i, slots); j != last {
			last, value = j, p.encode(t.at(j, slots), 4*int64(outSlots))
		}
		r.diff[i] = value
	}
	rotate(c0, r.diff, 2*n-int(body), p.q)
}

// encode is round(Q num/den) mod Q.
func (p *Parameters) encode(num, den int64) uint64 {
	num %= den
	if num < 0 {
		num += den
	}
	hi, lo := bits.Mul64(uint64(num), p.q)
	lo, carry := bits.Add64(lo, uint64(den)/2, 0)
	x, _ := bits.Div64(hi+carry, lo, uint64(den))
	return x % p.q
}

// rotate is dst = src X^by for 0 <= by <= 2N; dst must not overlap src.
func rotate(dst, src []uint64, by int, q uint64) {
	n := len(src)
	by &= 2*n - 1
	flip := by >= n
	if flip {
		by -= n
	}
	negate := func(dst, src []uint64) {
		for i, x := range src {
			if x != 0 {
				x = q - x
			}
			dst[i] = x
		}
	}
	head, tail := src[:n-by], src[n-by:]
	if flip {
		negate(dst[by:], head)
		copy(dst, tail)
	} else {
		copy(dst[by:], head)
		negate(dst, tail)
	}
}

// rotateAll multiplies the batch's accumulators by X^-(sum mask_i s_i), step by
// step: where the mask is a and the key encrypts s,
//
//	acc <- acc + (X^-a acc - acc) * RGSW(s).
//
// stop, called now and then, ends it early.
func (r *rotator) rotateAll(cts []narrow, stop func() error) error {
	n2 := 2 * r.params.N()
	for i := range r.params.Dimension {
		if i%16 == 0 {
			if err := stop(); err != nil {
				return err
			}
		}
		for k, c := range cts {
			if a := int(c[i]); a != 0 {
				r.step(k, i, n2-a)
			}
		}
	}
	return nil
}

// step is one step of accumulator k: by is the power of X.
func (r *rotator) step(k, i, by int) {
	p, sub := r.params, r.params.ring.SubRings[0]
	for c := range 2 {
		acc := r.accs[k][c]
		rotate(r.diff, acc, by, p.q)
		p.decompose(r.digits[c*p.Levels:(c+1)*p.Levels], r.diff, acc)
	}
	for _, d := range r.digits {
		sub.NTTLazy(d, d)
	}
	for c := range 2 {
		r.product(i, c)
		sub.INTT(r.sum[c], r.sum[c])
		sub.Add(r.accs[k][c], r.sum[c], r.accs[k][c])
	}
}

// decompose takes the coefficients of a - b apart into digits,
//
//	sum_j dst[j] 2^(drop + j Base) = a - b (mod Q)   within 2^(drop-1),
//
// each in [-B/2, B/2) but the most significant, which is what remains. Negative
// digits are stored as residues.
func (p *Parameters) decompose(dst [][]uint64, a, b []uint64) {
	q, drop, base := int64(p.q), p.drop(), p.Base
	var bias int64
	if drop > 0 {
		bias = 1 << (drop - 1)
	}
	half, mask := int64(1)<<(base-1), int64(1)<<base-1
	last := len(dst) - 1
	for i := range a {
		x := int64(a[i]) - int64(b[i])
		// Centred: x is in (-Q, Q).
		if x > q/2 {
			x -= q
		} else if x < -(q / 2) {
			x += q
		}
		x = (x + bias) >> drop
		for j := range last {
			d := (x+half)&mask - half
			x = (x - d) >> base
			dst[j][i] = uint64(d + q&(d>>63))
		}
		dst[last][i] = uint64(x + q&(x>>63))
	}
}

// product sets sum[c] to the inner product of the digits with component c of the
// encryption of bit i, in the NTT domain:
//
//	sum over rows of digit * key,
//
// gathered in 128 bits and reduced once: digits are below 2Q, key residues below
// Q, and at most 8 products below 2^64 Q as Q < 2^58.
func (r *rotator) product(i, c int) {
	sub := r.params.ring.SubRings[0]
	q, qInv := sub.Modulus, sub.MRedConstant
	out := r.sum[c]
	if len(r.digits) == 4 {
		d0, d1, d2, d3 := r.digits[0][:len(out)], r.digits[1][:len(out)], r.digits[2][:len(out)], r.digits[3][:len(out)]
		k0, k1 := r.keys.row(i, 0, c)[:len(out)], r.keys.row(i, 1, c)[:len(out)]
		k2, k3 := r.keys.row(i, 2, c)[:len(out)], r.keys.row(i, 3, c)[:len(out)]
		for x := range out {
			h, l := bits.Mul64(d0[x], k0[x])
			h, l = mulAdd(h, l, d1[x], k1[x])
			h, l = mulAdd(h, l, d2[x], k2[x])
			h, l = mulAdd(h, l, d3[x], k3[x])
			m, _ := bits.Mul64(l*qInv, q)
			out[x] = ring.CRed(h-m+q, q)
		}
		return
	}
	var keys [8][]uint64
	for row := range r.digits {
		keys[row] = r.keys.row(i, row, c)[:len(out)]
	}
	for x := range out {
		var h, l uint64
		for row, d := range r.digits {
			h, l = mulAdd(h, l, d[x], keys[row][x])
		}
		m, _ := bits.Mul64(l*qInv, q)
		out[x] = ring.CRed(h-m+q, q)
	}
}

// mulAdd is (h, l) + a*b in 128 bits.
func mulAdd(h, l, a, b uint64) (uint64, uint64) {
	ph, pl := bits.Mul64(a, b)
	l, carry := bits.Add64(l, pl, 0)
	return h + ph + carry, l
}

// finish writes the constant coefficient of accumulator k as a wide ciphertext,
// and adds the table's constant centre/2.
func (r *rotator) finish(dst wide, k int, t *table, outSlots int) {
	p := r.params
	for i, x := range r.accs[k][1] {
		r.words[i] = p.toWide(x)
	}
	p.extract(dst, r.accs[k][0][0], r.words, 0)
	*dst.body() += phaseOf(t.centre, 4*int64(outSlots))
}
