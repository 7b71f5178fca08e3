package bundle

import (
	"fmt"
	"math"
	"math/big"
	"math/bits"
)

// Vec is a vector of integers of any size. Exactly one field is set: Small
// where every element and every partial sum that made it fits an int64, Big
// otherwise. Which one it is never changes the integers it stands for.
type Vec struct {
	Small []int64
	Big   []*big.Int
}

// Len is the number of elements.
func (v Vec) Len() int {
	if v.Big != nil {
		return len(v.Big)
	}
	return len(v.Small)
}

// At is element i as a new big.Int.
func (v Vec) At(i int) *big.Int {
	if v.Big != nil {
		return new(big.Int).Set(v.Big[i])
	}
	return big.NewInt(v.Small[i])
}

// at is element i, which the caller must not change; t is room for it.
func (v Vec) at(i int, t *big.Int) *big.Int {
	if v.Big != nil {
		return v.Big[i]
	}
	return t.SetInt64(v.Small[i])
}

// Float is element i rounded to float64.
func (v Vec) Float(i int) float64 {
	if v.Big != nil {
		f, _ := v.Big[i].Float64()
		return f
	}
	return float64(v.Small[i])
}

// Mod is element i modulo m, in 0..m-1.
func (v Vec) Mod(i int, m uint64) uint64 {
	if v.Big != nil {
		return new(big.Int).Mod(v.Big[i], new(big.Int).SetUint64(m)).Uint64()
	}
	r := absUint(v.Small[i]) % m
	if v.Small[i] < 0 && r != 0 {
		r = m - r
	}
	return r
}

// String is the integers in brackets.
func (v Vec) String() string { return fmt.Sprint(v.wide()) }

// Low64 is element i modulo 2^64, as a two's complement int64.
func (v Vec) Low64(i int) int64 {
	if v.Big == nil {
		return v.Small[i]
	}
	low := new(big.Int).And(v.Big[i], new(big.Int).SetUint64(math.MaxUint64))
	return int64(low.Uint64())
}

// Slice is the elements from..to-1 of v.
func (v Vec) Slice(from, to int) Vec {
	if v.Big != nil {
		return NewVec(v.Big[from:to])
	}
	return Vec{Small: v.Small[from:to]}
}

// Equal reports whether v and w hold the same integers.
func (v Vec) Equal(w Vec) bool {
	return v.Len() == w.Len() && v.FirstDifference(w) < 0
}

// FirstDifference is the first index where v and w differ, or -1. The lengths
// must be equal.
func (v Vec) FirstDifference(w Vec) int {
	var a, b big.Int
	for i := range v.Len() {
		if v.Big == nil && w.Big == nil {
			if v.Small[i] != w.Small[i] {
				return i
			}
		} else if v.at(i, &a).Cmp(w.at(i, &b)) != 0 {
			return i
		}
	}
	return -1
}

// wide returns v with its elements as big integers, which the caller must not
// change.
func (v Vec) wide() []*big.Int {
	if v.Big != nil {
		return v.Big
	}
	out := make([]*big.Int, len(v.Small))
	for i, x := range v.Small {
		out[i] = big.NewInt(x)
	}
	return out
}

// NewVec returns the vector of vs, in its small form where every element fits
// an int64.
func NewVec(vs []*big.Int) Vec {
	small := make([]int64, len(vs))
	for i, x := range vs {
		if !x.IsInt64() {
			return Vec{Big: vs}
		}
		small[i] = x.Int64()
	}
	return Vec{Small: small}
}

// maxAbs is the largest magnitude of a small vector.
func maxAbs(v []int64) uint64 {
	var m uint64
	for _, x := range v {
		m = max(m, absUint(x))
	}
	return m
}

func absUint(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

// fits reports whether a*b + c is certain to stay below 2^62.
func fits(a, b, c uint64) bool {
	const limit = 1 << 62
	hi, lo := bits.Mul64(a, b)
	return hi == 0 && lo < limit && c < limit-lo
}
