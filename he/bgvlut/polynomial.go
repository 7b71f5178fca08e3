package bgvlut

import (
	"math/bits"
	"slices"
)

// parity is what a polynomial's exponents are, but for a constant.
type parity uint8

const (
	general parity = iota
	odd
	even
)

// polynomial is a table over F_T:
//
//	f(q) = sum_j coeffs[j] (q - centre)^j   for every q of the domain
type polynomial struct {
	centre uint64
	coeffs []uint64
	parity parity
	domain int // points of the table that it had to be right on
}

// newPolynomial interpolates f on lo..hi, at most t points. If f is odd (up to a
// constant) or even about some centre, so far off the domain's that reflecting
// the rest takes no further level, the polynomial is: half of its terms vanish.
func (t field) newPolynomial(lo, hi int64, f func(q int64) int64) polynomial {
	p, first, full := t.extend(lo, hi, f)
	p.coeffs = t.interpolate(first, full)
	return p
}

// sketch is newPolynomial without the values of its coefficients: what its
// evaluation costs depends on their number alone. That is wrong only where the
// highest coefficients happen to vanish modulo t.
func (t field) sketch(lo, hi int64, f func(q int64) int64) polynomial {
	p, _, full := t.extend(lo, hi, f)
	n := t.flat(full)
	if n == len(full) && n > 1 && !p.parity.has(n-1) {
		n--
	}
	p.coeffs = make([]uint64, n)
	return p
}

// flat is the number of coefficients, of at most 3, of the polynomial that takes the
// values v one behind the other, or len(v) where it has more: its differences of that
// order vanish.
func (t field) flat(v []uint64) int {
	d := v
	for order := 1; order <= 3 && order < len(v); order++ {
		next := make([]uint64, len(d)-1)
		for i := range next {
			next[i] = t.sub(d[i+1], d[i])
		}
		if !slices.ContainsFunc(next, func(x uint64) bool { return x != 0 }) {
			return order
		}
		d = next
	}
	return len(v)
}

// extend finds the symmetry of f and its centre, and the values to interpolate
// from first on: the values at lo..hi and at their reflections.
func (t field) extend(lo, hi int64, f func(q int64) int64) (p polynomial, first uint64, full []uint64) {
	n := int(hi - lo + 1)
	values := make([]int64, n)
	for i := range values {
		values[i] = f(lo + int64(i))
	}
	p = polynomial{parity: general, domain: n}
	twice, size := int64(n-1), n // the centre, doubled and relative to lo
	depth := bits.Len(uint(n - 1))
	for candidate := int64(0); candidate <= 2*int64(n-1); candidate++ {
		s := reflected(n, candidate)
		if bits.Len(uint(s-1)) > depth || s > int(t) || p.parity != general && s >= size {
			continue
		}
		if kind := symmetry(values, candidate); kind != general {
			p.parity, twice, size = kind, candidate, s
		}
	}
	p.centre = t.mul(t.of(2*lo+twice), t.inverse(2))
	full = make([]uint64, size)
	from := min(0, twice-int64(n-1)) // relative to lo
	sum := int64(0)
	if p.parity == odd {
		i, _ := overlap(n, twice)
		sum = values[i] + values[twice-i]
	}
	for k := range full {
		i := from + int64(k)
		switch {
		case i >= 0 && i < int64(n):
			full[k] = t.of(values[i])
		case p.parity == odd:
			full[k] = t.of(sum - values[twice-i])
		default:
			full[k] = t.of(values[twice-i])
		}
	}
	return p, t.sub(t.of(lo+from), p.centre), full
}

// reflected is how many points 0..n-1 and their reflections twice-i span.
func reflected(n int, twice int64) int {
	lo, hi := min(0, twice-int64(n-1)), max(int64(n-1), twice)
	return int(hi - lo + 1)
}

// overlap are the first and last i of 0..n-1 whose reflections lie there too.
func overlap(n int, twice int64) (first, last int64) {
	return max(0, twice-int64(n-1)), min(int64(n-1), twice)
}

// symmetry is whether v is odd or even about twice/2, on the places where both sides are known.
func symmetry(v []int64, twice int64) parity {
	first, last := overlap(len(v), twice)
	isOdd, isEven := true, true
	for i := first; i <= last && (isOdd || isEven); i++ {
		isOdd = isOdd && v[i]+v[twice-i] == v[first]+v[last]
		isEven = isEven && v[i] == v[twice-i]
	}
	switch {
	case isOdd:
		return odd
	case isEven:
		return even
	}
	return general
}
