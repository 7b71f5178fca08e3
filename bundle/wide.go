package bundle

import (
	"encoding/json"
	"fmt"
	"math/big"

	"qtool/internal/safetensors"
)

// NewInts is the vector of integers that the float64 values vs hold. It panics
// if one is not an integer.
func NewInts(vs []float64) Vec {
	out := make([]*big.Int, len(vs))
	for i, v := range vs {
		x, accuracy := new(big.Float).SetFloat64(v).Int(nil)
		if x == nil || accuracy != big.Exact {
			panic(fmt.Sprintf("bundle: NewInts: %v is not an integer", v))
		}
		out[i] = x
	}
	return NewVec(out)
}

// repeat is v with every element n times.
func (v Vec) repeat(n int) Vec {
	if v.Big != nil {
		return Vec{Big: repeat(v.Big, n)}
	}
	return Vec{Small: repeat(v.Small, n)}
}

func repeat[T any](v []T, n int) []T {
	out := make([]T, 0, len(v)*n)
	for _, x := range v {
		for range n {
			out = append(out, x)
		}
	}
	return out
}

// limitMantissa bounds the magnitude of the integers that a file holds as they
// are. A larger one is odd * 2^shift, with the odd part below the limit: what
// becomes of a float32 or float64, however large.
const limitMantissa = 1 << 62

// storeInts appends v to f as a tensor called name, with a second one called
// name_shift if an element passes limitMantissa. It returns an error if an
// element's odd part does.
func storeInts(f *safetensors.File, name string, v Vec) error {
	mantissas, shifts := make([]int64, v.Len()), make([]int64, v.Len())
	shifted := false
	for i := range v.Len() {
		x := v.At(i)
		if x.CmpAbs(big.NewInt(limitMantissa)) > 0 {
			s := x.TrailingZeroBits()
			if x.Rsh(x, s).BitLen() > 62 || s > MaxRangeBits {
				return fmt.Errorf("%s %d is %v, whose odd part passes 2^62 or %d bits of zeros", name, i, v.At(i), MaxRangeBits)
			}
			shifts[i], shifted = int64(s), true
		}
		mantissas[i] = x.Int64()
	}
	f.Tensors = append(f.Tensors, safetensors.FromInts(name, []int{v.Len()}, mantissas))
	if shifted {
		f.Tensors = append(f.Tensors, safetensors.FromInts(name+"_shift", []int{v.Len()}, shifts))
	}
	return nil
}

// loadInts is the inverse of storeInts.
func loadInts(f *safetensors.File, name string) (Vec, error) {
	t, ok := f.Get(name)
	if !ok {
		return Vec{}, fmt.Errorf("no %s", name)
	}
	mantissas, err := t.Ints()
	if err != nil {
		return Vec{}, err
	}
	for i, x := range mantissas {
		if absUint(x) > limitMantissa {
			return Vec{}, fmt.Errorf("%s %d is %d, beyond 2^62", name, i, x)
		}
	}
	t, ok = f.Get(name + "_shift")
	if !ok {
		return Vec{Small: mantissas}, nil
	}
	shifts, err := t.Ints()
	if err != nil {
		return Vec{}, err
	}
	if len(shifts) != len(mantissas) {
		return Vec{}, fmt.Errorf("%d shifts for %d elements of %s", len(shifts), len(mantissas), name)
	}
	wide := make([]*big.Int, len(shifts))
	for i, s := range shifts {
		if s < 0 || s > MaxRangeBits {
			return Vec{}, fmt.Errorf("shift %d of %s %d is outside 0..%d", s, name, i, MaxRangeBits)
		}
		wide[i] = new(big.Int).Lsh(big.NewInt(mantissas[i]), uint(s))
	}
	return NewVec(wide), nil
}

// maxDigits bounds the text of an integer: enough for MaxRangeBits.
const maxDigits = 1300

// MarshalJSON writes an array of integers.
func (v Vec) MarshalJSON() ([]byte, error) {
	if v.Big != nil {
		return json.Marshal(v.Big)
	}
	return json.Marshal(v.Small)
}

// UnmarshalJSON reads an array of integers of at most MaxRangeBits.
func (v *Vec) UnmarshalJSON(b []byte) error {
	var texts []json.RawMessage
	if err := json.Unmarshal(b, &texts); err != nil {
		return err
	}
	wide := make([]*big.Int, len(texts))
	for i, t := range texts {
		if len(t) > maxDigits {
			return fmt.Errorf("integer of %d characters passes the limit of %d", len(t), maxDigits)
		}
		wide[i] = new(big.Int)
		if err := wide[i].UnmarshalJSON(t); err != nil || string(t) == "null" {
			return fmt.Errorf("%s is not an integer", t)
		}
	}
	*v = NewVec(wide)
	return nil
}
