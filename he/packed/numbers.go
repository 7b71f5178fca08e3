package packed

import (
	"fmt"
	"math/big"
	"math/bits"

	"qtool/bundle"
)

// numbers is the arithmetic of a scheme's slots: reals for CKKS, residues
// modulo a plaintext prime for BGV.
type numbers[T any] interface {
	integer(v int64) T
	wide(v *big.Int) T
	add(a, b T) T
	mul(a, b T) T
	// inverse is 1/a; ok is false if there is none.
	inverse(a T) (v T, ok bool)
}

type reals struct{}

func (reals) integer(v int64) float64           { return float64(v) }
func (reals) wide(v *big.Int) float64           { f, _ := new(big.Float).SetInt(v).Float64(); return f }
func (reals) add(a, b float64) float64          { return a + b }
func (reals) mul(a, b float64) float64          { return a * b }
func (reals) inverse(a float64) (float64, bool) { return 1 / a, a != 0 }

// residues are integers modulo a prime t below 2^62.
type residues struct{ t uint64 }

func (r residues) integer(v int64) uint64 {
	if v < 0 {
		if u := -uint64(v) % r.t; u != 0 {
			return r.t - u
		}
		return 0
	}
	return uint64(v) % r.t
}

func (r residues) wide(v *big.Int) uint64 {
	return new(big.Int).Mod(v, new(big.Int).SetUint64(r.t)).Uint64()
}

func (r residues) add(a, b uint64) uint64 {
	if a += b; a >= r.t {
		a -= r.t
	}
	return a
}

func (r residues) mul(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	_, rem := bits.Div64(hi, lo, r.t)
	return rem
}

func (r residues) inverse(a uint64) (uint64, bool) {
	if a%r.t == 0 {
		return 0, false
	}
	v, e := uint64(1), r.t-2
	for ; e > 0; e >>= 1 {
		if e&1 == 1 {
			v = r.mul(v, a)
		}
		a = r.mul(a, a)
	}
	return v, true
}

// quadratic is a x^2 + b x + c with its square completed:
//
//	a (x + shift)^2 + rest,   shift = b/(2a),   rest = c - b shift/2
//
// so that under encryption every quadratic is a square: shift joins the bias
// before it, a and rest the map behind it. Package lower refuses other degrees.
type quadratic[T any] struct{ lead, shift, rest T }

func complete[T any](f numbers[T], row bundle.Vec) (quadratic[T], error) {
	half, ok1 := f.inverse(f.integer(2))
	lead, ok2 := f.inverse(f.wide(row.At(2)))
	if !ok1 || !ok2 {
		return quadratic[T]{}, fmt.Errorf("polynomial %v: the leading coefficient vanishes modulo the plaintext prime", row)
	}
	q := quadratic[T]{lead: f.wide(row.At(2))}
	b := f.wide(row.At(1))
	q.shift = f.mul(f.mul(b, half), lead)
	q.rest = f.add(f.wide(row.At(0)), f.mul(f.integer(-1), f.mul(f.mul(b, half), q.shift)))
	return q, nil
}
