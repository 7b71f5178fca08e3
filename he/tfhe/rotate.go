package tfhe

import "math/bits"

// blockOf is how many words of all polynomials a step works on at once, so that what it
// makes of the keys stays in the cache.
const blockOf = 512

// rotator is what one goroutine rotates with.
type rotator struct {
	params *Parameters
	keys   *EvaluationKeys
	accs   [][2][]uint64 // accumulators of a batch, K a look-up, in the coefficient domain
	digits [][]uint64    // of all accumulators, of c_0 and c_1, transformed
	turned [][]uint64    // digits times X; none for one accumulator a look-up
	powers []uint64      // of X, a block
	block  [][2][]uint64 // what a step makes of the keys for a look-up, a block
	flat   []uint64      // a test polynomial, zeros, and it turned
	zeros  []uint64
	spread []uint64
	words  []uint32 // an accumulator's mask on its way to a big-key ciphertext
	// What a step of one look-up adds up, and the accumulators that its patterns shift by.
	monomial [][]uint64
	x        [][]uint64
	shifts   []int
	rows     [2][][]uint64
}

func newRotator(p *Parameters, keys *EvaluationKeys, lookups int) *rotator {
	polys := func(count, n int) (all [][]uint64) {
		for range count {
			all = append(all, make([]uint64, n))
		}
		return all
	}
	n, k := p.N(), 1<<p.LogAccumulators
	wide := min(n, blockOf)
	r := &rotator{
		params: p, keys: keys, words: make([]uint32, n), zeros: make([]uint64, n),
		flat: make([]uint64, k*n), spread: make([]uint64, k*n),
		digits: polys(lookups*k*p.rows(), n), powers: make([]uint64, wide),
	}
	if k > 1 {
		r.turned = polys(len(r.digits), n)
	}
	for range lookups * k {
		r.accs = append(r.accs, [2][]uint64(polys(2, n)))
	}
	for range p.rows() << p.Group {
		r.block = append(r.block, [2][]uint64(polys(2, wide)))
	}
	return r
}

// accumulators are the K accumulators of look-up k.
func (r *rotator) accumulators(k int) [][2][]uint64 {
	m := 1 << r.params.LogAccumulators
	return r.accs[k*m : (k+1)*m]
}

// start sets the accumulators of look-up k to the test polynomial v times Y^-body, where
// Y^K = X, and accumulator j of K has the coefficients of Y^j, Y^(K+j), ...:
//
//	c_0 = v Y^-body,   c_1 = 0,   v[i] = round(Q t.at(messageAt(i)) / 4 outHalf)
//
// for i = 0..KN-1. messageAt(i) is which message of the table's accumulator position i
// belongs to, and t.at twice the value of the function F of the package comment there.
// The entry is encoded for a message space of 2 outHalf.
func (r *rotator) start(k int, t *table, half int, body uint32, outHalf int) {
	p := r.params
	last, value := -1, uint64(0)
	for i := range r.flat {
		if j := p.messageAt(i, half); j != last {
			last, value = j, p.encode(t.at(j, half), 4*int64(outHalf))
		}
		r.flat[i] = value
	}
	rotate(r.spread, r.flat, 2*p.positions()-int(body), p.q)
	all := r.accumulators(k)
	for j, acc := range all {
		clear(acc[1])
		for i := range acc[0] {
			acc[0][i] = r.spread[i*len(all)+j]
		}
	}
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

// finishExact writes the constant coefficient of look-up k, to which it adds the
// table's constant centre/2, with the encoding e: modulo Q to kept, unless that is nil,
// and gain times it as a big-key ciphertext to dst, if layers with tables read that.
func (r *rotator) finishExact(dst bigKey, kept exact, k int, t *table, e *encoding) {
	p := r.params
	c1 := r.accumulators(k)[0][1]
	body := (r.accumulators(k)[0][0][0] + p.encode(t.centre, 4*int64(e.half))) % p.q
	if kept != nil {
		p.extractExact(kept, body, c1, 0)
	}
	if e.tables {
		p.toWords(r.words, c1, e.gain)
		p.extract(dst, p.modulus.Mul(body, uint64(e.gain)), r.words, 0)
	}
}

// finish writes the constant coefficient of look-up k as a big-key ciphertext,
// and adds the table's constant centre/2.
func (r *rotator) finish(dst bigKey, k int, t *table, outHalf int) {
	p := r.params
	for i, x := range r.accumulators(k)[0][1] {
		r.words[i] = p.toWord(x)
	}
	p.extract(dst, r.accumulators(k)[0][0][0], r.words, 0)
	*dst.body() += phaseOf(t.centre, 4*int64(outHalf))
}
