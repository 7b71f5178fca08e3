package tfhe

import (
	"math/bits"

	"qtool/kernel/gadget"
)

// rotator is what one goroutine rotates with.
type rotator struct {
	params *Parameters
	keys   *EvaluationKeys
	digits [][]uint64    // of c_0 and c_1
	parts  [][]uint64    // of some digits
	rows   [][]uint64    // of a key
	poly   []uint64      // a test polynomial
	sum    []uint64      // a component of an external product
	accs   [][2][]uint64 // accumulators of a batch, in the coefficient domain
	words  []uint32      // an accumulator's mask on its way to a big-key ciphertext
}

func newRotator(p *Parameters, keys *EvaluationKeys, batch int) *rotator {
	poly := func() []uint64 { return make([]uint64, p.N()) }
	r := &rotator{
		params: p, keys: keys, poly: poly(), sum: poly(), words: make([]uint32, p.N()),
		parts: make([][]uint64, gadget.MaxLevels), rows: make([][]uint64, p.rows()),
	}
	for range p.rows() {
		r.digits = append(r.digits, poly())
	}
	for range batch {
		r.accs = append(r.accs, [2][]uint64{poly(), poly()})
	}
	return r
}

// start sets accumulator k to the test polynomial v times X^-body:
//
//	c_0 = v X^-body,   c_1 = 0,   v[i] = round(Q t.at(messageAt(i)) / 4 outHalf)
//
// for i = 0..N-1. messageAt(i) is which message of the table's accumulator position i
// belongs to, and t.at twice the value of the function F of the package comment there.
// The entry is encoded for a message space of 2 outHalf.
func (r *rotator) start(k int, t *table, half int, body uint32, outHalf int) {
	p := r.params
	n := p.N()
	c0, c1 := r.accs[k][0], r.accs[k][1]
	clear(c1)
	last, value := -1, uint64(0)
	for i := range r.poly {
		if j := p.messageAt(i, half); j != last {
			last, value = j, p.encode(t.at(j, half), 4*int64(outHalf))
		}
		r.poly[i] = value
	}
	rotate(c0, r.poly, 2*n-int(body), p.q)
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
func (r *rotator) rotateAll(cts []smallKey, stop func() error) error {
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

// step is one step of accumulator k: by is the power of X, 0 < by < 2N.
func (r *rotator) step(k, i, by int) {
	p := r.params
	first := p.Ring[0].Levels
	r.split(p.gadgets[0], r.digits[:first], r.accs[k][0], by)
	r.split(p.gadgets[1], r.digits[first:], r.accs[k][1], by)
	for _, d := range r.digits {
		p.forward(d)
	}
	for c, acc := range r.accs[k] {
		for row := range r.rows {
			r.rows[row] = r.keys.row(i, row, c)
		}
		p.gadgets[c].Inner(r.sum, r.digits, r.rows)
		p.inverse(r.sum)
		p.gadgets[c].Add(acc, r.sum)
	}
}

// split takes X^by acc - acc apart.
func (r *rotator) split(g *gadget.Gadget, dst [][]uint64, acc []uint64, by int) {
	n := len(acc)
	flip := by >= n
	by &= n - 1
	part := func(from, to int) [][]uint64 {
		for j, d := range dst {
			r.parts[j] = d[from:to]
		}
		return r.parts[:len(dst)]
	}
	g.Split(part(by, n), acc[:n-by], acc[by:], flip)
	g.Split(part(0, by), acc[n-by:], acc[:by], !flip)
}

// finishExact writes the constant coefficient of accumulator k, to which it adds the
// table's constant centre/2, with the encoding e: modulo Q to kept, unless that is nil,
// and gain times it as a big-key ciphertext to dst, if layers with tables read that.
func (r *rotator) finishExact(dst bigKey, kept exact, k int, t *table, e *encoding) {
	p := r.params
	c1 := r.accs[k][1]
	body := (r.accs[k][0][0] + p.encode(t.centre, 4*int64(e.half))) % p.q
	if kept != nil {
		p.extractExact(kept, body, c1, 0)
	}
	if e.tables {
		p.toWords(r.words, c1, e.gain)
		p.extract(dst, p.modulus.Mul(body, uint64(e.gain)), r.words, 0)
	}
}

// finish writes the constant coefficient of accumulator k as a big-key ciphertext,
// and adds the table's constant centre/2.
func (r *rotator) finish(dst bigKey, k int, t *table, outHalf int) {
	p := r.params
	for i, x := range r.accs[k][1] {
		r.words[i] = p.toWord(x)
	}
	p.extract(dst, r.accs[k][0][0], r.words, 0)
	*dst.body() += phaseOf(t.centre, 4*int64(outHalf))
}
