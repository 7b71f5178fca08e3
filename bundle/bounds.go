package bundle

import (
	"encoding/json"
	"fmt"
	"math/big"
)

// Bounds is a static bound for every element of a tensor.
type Bounds struct{ Lo, Hi Vec }

// Range is a closed interval of integers. Its JSON form is the array [lo, hi].
type Range struct{ Lo, Hi *big.Int }

// NewRange is the interval [lo, hi].
func NewRange(lo, hi int64) Range { return Range{big.NewInt(lo), big.NewInt(hi)} }

// Range is the smallest interval that holds every element's.
func (b Bounds) Range() Range { return Range{extreme(b.Lo, -1), extreme(b.Hi, +1)} }

// extreme is the largest (sign +1) or smallest (sign -1) element.
func extreme(v Vec, sign int) *big.Int {
	best := v.At(0)
	for i := 1; i < v.Len(); i++ {
		if x := v.At(i); x.Cmp(best) == sign {
			best = x
		}
	}
	return best
}

// RangeOf is the smallest interval that holds every element of v.
func RangeOf(v Vec) Range { return Range{extreme(v, -1), extreme(v, +1)} }

// Contains reports whether every element of v lies in its interval, and the
// first that does not otherwise.
func (b Bounds) Contains(v Vec) (index int, ok bool) {
	small := b.Lo.Big == nil && b.Hi.Big == nil && v.Big == nil
	var x, end big.Int
	for i := range v.Len() {
		if small {
			if v.Small[i] < b.Lo.Small[i] || v.Small[i] > b.Hi.Small[i] {
				return i, false
			}
		} else if x := v.at(i, &x); x.Cmp(b.Lo.at(i, &end)) < 0 || x.Cmp(b.Hi.at(i, &end)) > 0 {
			return i, false
		}
	}
	return 0, true
}

// Bits is the number of bits of a two's complement integer that holds every
// value of the range, sign included.
func (r Range) Bits() int {
	bits := r.Hi.BitLen()
	if r.Lo.Sign() < 0 {
		// -2^k needs k bits and the sign.
		bits = max(bits, new(big.Int).Not(r.Lo).BitLen())
	}
	return bits + 1
}

// MaxAbs is the largest magnitude in the range.
func (r Range) MaxAbs() *big.Int {
	if r.Lo.CmpAbs(r.Hi) > 0 {
		return new(big.Int).Abs(r.Lo)
	}
	return new(big.Int).Abs(r.Hi)
}

// Magnitude is MaxAbs in float64, rounded to nearest.
func (r Range) Magnitude() float64 {
	f, _ := new(big.Float).SetInt(r.MaxAbs()).Float64()
	return f
}

// Union is the smallest interval that holds r and s.
func (r Range) Union(s Range) Range {
	u := r
	if s.Lo.Cmp(u.Lo) < 0 {
		u.Lo = s.Lo
	}
	if s.Hi.Cmp(u.Hi) > 0 {
		u.Hi = s.Hi
	}
	return u
}

// Equal reports whether r and s are the same interval.
func (r Range) Equal(s Range) bool { return r.Lo.Cmp(s.Lo) == 0 && r.Hi.Cmp(s.Hi) == 0 }

// String is "[lo, hi]".
func (r Range) String() string { return fmt.Sprintf("[%v, %v]", r.Lo, r.Hi) }

// MarshalJSON writes [lo, hi].
func (r Range) MarshalJSON() ([]byte, error) {
	return json.Marshal([2]*big.Int{r.Lo, r.Hi})
}

// UnmarshalJSON reads [lo, hi] with lo <= hi, in at most 3000 bytes: enough for
// MaxRangeBits.
func (r *Range) UnmarshalJSON(b []byte) error {
	var v []*big.Int
	if len(b) > 3000 {
		return fmt.Errorf("range of %d bytes passes the limit of 3000", len(b))
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	if len(v) != 2 || v[0] == nil || v[1] == nil || v[0].Cmp(v[1]) > 0 {
		return fmt.Errorf("range %s is not an ordered pair", b)
	}
	r.Lo, r.Hi = v[0], v[1]
	return nil
}

func constantBounds(n int, lo, hi int64) Bounds {
	b := Bounds{Vec{Small: make([]int64, n)}, Vec{Small: make([]int64, n)}}
	for i := range n {
		b.Lo.Small[i], b.Hi.Small[i] = lo, hi
	}
	return b
}

// joinBounds is the vector of all lower, then all upper bounds.
func joinBounds(b Bounds) Vec {
	if b.Lo.Big == nil && b.Hi.Big == nil {
		return Vec{Small: append(append([]int64(nil), b.Lo.Small...), b.Hi.Small...)}
	}
	return Vec{Big: append(append([]*big.Int(nil), b.Lo.wide()...), b.Hi.wide()...)}
}

func splitBounds(v Vec) Bounds {
	n := v.Len() / 2
	if v.Big == nil {
		return Bounds{Vec{Small: v.Small[:n]}, Vec{Small: v.Small[n:]}}
	}
	return Bounds{NewVec(v.Big[:n]), NewVec(v.Big[n:])}
}
