package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// FromFloat32 returns an F32 tensor of v, bit for bit. It copies shape and v;
// [Encode] reports a shape that does not fit len(v). So do the other From functions.
func FromFloat32(name string, shape []int, v []float32) Tensor {
	return pack(name, F32, shape, v, func(b []byte, x float32) []byte {
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	})
}

// FromFloat64 returns an F64 tensor of v, bit for bit.
func FromFloat64(name string, shape []int, v []float64) Tensor {
	return pack(name, F64, shape, v, func(b []byte, x float64) []byte {
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
	})
}

// FromInt64 returns an I64 tensor of v.
func FromInt64(name string, shape []int, v []int64) Tensor {
	return pack(name, I64, shape, v, appendInt64)
}

// FromInts returns a tensor of v of the smallest type among I8, I16, I32 and I64
// that holds all of v. Without elements that is I8.
func FromInts(name string, shape []int, v []int64) Tensor {
	lo, hi := int64(0), int64(0)
	for _, x := range v {
		lo, hi = min(lo, x), max(hi, x)
	}
	switch {
	case math.MinInt8 <= lo && hi <= math.MaxInt8:
		return pack(name, I8, shape, v, func(b []byte, x int64) []byte {
			return append(b, byte(x))
		})
	case math.MinInt16 <= lo && hi <= math.MaxInt16:
		return pack(name, I16, shape, v, func(b []byte, x int64) []byte {
			return binary.LittleEndian.AppendUint16(b, uint16(x))
		})
	case math.MinInt32 <= lo && hi <= math.MaxInt32:
		return pack(name, I32, shape, v, func(b []byte, x int64) []byte {
			return binary.LittleEndian.AppendUint32(b, uint32(x))
		})
	}
	return pack(name, I64, shape, v, appendInt64)
}

func appendInt64(b []byte, x int64) []byte {
	return binary.LittleEndian.AppendUint64(b, uint64(x))
}

// Float32s returns the elements of an F32 tensor.
func (t *Tensor) Float32s() ([]float32, error) {
	return unpack(t, float32At, F32)
}

// Float64s returns the elements of an F64 tensor.
func (t *Tensor) Float64s() ([]float64, error) {
	return unpack(t, float64At, F64)
}

// Int64s returns the elements of an I64 tensor.
func (t *Tensor) Int64s() ([]int64, error) {
	return unpack(t, int64At, I64)
}

// Ints returns the elements of a tensor of any integer type, widened.
func (t *Tensor) Ints() ([]int64, error) {
	at := int64At
	switch t.DType {
	case I8:
		at = func(b []byte) int64 { return int64(int8(b[0])) }
	case U8:
		at = func(b []byte) int64 { return int64(b[0]) }
	case I16:
		at = func(b []byte) int64 { return int64(int16(binary.LittleEndian.Uint16(b))) }
	case I32:
		at = func(b []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(b))) }
	}
	return unpack(t, at, I8, I16, I32, I64, U8)
}

func float32At(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }
func float64At(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }
func int64At(b []byte) int64     { return int64(binary.LittleEndian.Uint64(b)) }

// pack returns a tensor of the elements of v as put appends them.
func pack[T any](name string, d DType, shape []int, v []T, put func([]byte, T) []byte) Tensor {
	data := make([]byte, 0, len(v)*d.Size())
	for _, x := range v {
		data = put(data, x)
	}
	return Tensor{Name: name, DType: d, Shape: slices.Clone(shape), Data: data}
}

// unpack returns the elements of t as at reads them. It is an error if t's type
// is not among want or t is not valid.
func unpack[T any](t *Tensor, at func([]byte) T, want ...DType) ([]T, error) {
	if !slices.Contains(want, t.DType) {
		return nil, fmt.Errorf("safetensors: tensor %q: dtype is %s, want %v", t.Name, t.DType, want)
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	size := t.DType.Size()
	v := make([]T, len(t.Data)/size)
	for i := range v {
		v[i] = at(t.Data[i*size:])
	}
	return v, nil
}
