// Package safetensors reads and writes named tensors in the safetensors format.
//
// A file is
//
//	8 bytes   length n of the header, little endian
//	n bytes   header, a JSON object
//	the rest  tensor data, little endian, row-major
//
// The header maps every tensor name to its dtype, its shape and the half-open
// range of its bytes within the data, and may hold a map from string to string
// under the key "__metadata__":
//
//	{"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}
//
// The format leaves many ways to write the same tensors. This package knows one,
// the canonical encoding: "__metadata__" first if it is not empty, its keys and
// then the tensor names in increasing byte order, no white space, integers in
// plain decimal, the fewest and shortest escapes in strings, the header padded
// with spaces to a multiple of 8 bytes, and the data in name order without gaps.
// [Encode] writes it and [Decode] accepts nothing else, so equal contents have
// equal bytes and a hash of a file is a hash of what it holds.
//
// Every reader of the format accepts canonical files. Tensors start where the one
// before ends, so a reader that maps a file cannot count on aligned elements.
//
// Reference: https://github.com/huggingface/safetensors#format
package safetensors

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// A DType is the type of a tensor's elements, spelled as in the header.
type DType string

// The element types this package knows.
const (
	F32 DType = "F32"
	F64 DType = "F64"
	I8  DType = "I8"
	I16 DType = "I16"
	I32 DType = "I32"
	I64 DType = "I64"
	U8  DType = "U8"
)

// Size returns the bytes of one element, or 0 if d is not known.
func (d DType) Size() int {
	switch d {
	case I8, U8:
		return 1
	case I16:
		return 2
	case F32, I32:
		return 4
	case F64, I64:
		return 8
	}
	return 0
}

// A Tensor is a named array. Data holds its elements in row-major order, little
// endian. An empty Shape is a scalar's, which has one element.
type Tensor struct {
	Name  string
	DType DType
	Shape []int
	Data  []byte
}

// A File is the content of a safetensors file. Names are unique. [Encode] does
// not mind the order of Tensors; [Decode] returns them sorted by name.
type File struct {
	Metadata map[string]string
	Tensors  []Tensor
}

// metadataKey is the header key that names no tensor.
const metadataKey = "__metadata__"

// Limits of this package, not of the format. They keep errors readable.
const (
	maxName = 1024 // bytes of a tensor's name
	maxDims = 64   // dimensions of a tensor
)

// Get returns the tensor called name, in time linear in the number of tensors.
// The result points into f.Tensors.
func (f *File) Get(name string) (*Tensor, bool) {
	for i := range f.Tensors {
		if f.Tensors[i].Name == name {
			return &f.Tensors[i], true
		}
	}
	return nil, false
}

// check reports what keeps t from being written.
func (t *Tensor) check() error {
	if err := checkName(t.Name); err != nil {
		return err
	}
	size, err := byteSize(t.DType, t.Shape)
	if err != nil {
		return fmt.Errorf("tensor %q: %w", t.Name, err)
	}
	if len(t.Data) != size {
		return fmt.Errorf("tensor %q: %s of shape %v takes %d bytes, data has %d", t.Name, t.DType, t.Shape, size, len(t.Data))
	}
	return nil
}

// checkName reports what keeps name from naming a tensor.
func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("a tensor has an empty name")
	case name == metadataKey:
		return fmt.Errorf("tensor %q: the name is reserved", name)
	case len(name) > maxName:
		return fmt.Errorf("tensor %.40q: the name has %d bytes, limit %d", name, len(name), maxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("tensor %q: the name is not UTF-8", name)
	}
	return nil
}

// byteSize returns the bytes that a tensor of type d and the given shape takes.
//
// The product of the dimensions other than 0, times the element size, must fit
// an int, so whether a shape is valid does not depend on the order of its
// dimensions.
func byteSize(d DType, shape []int) (int, error) {
	size := d.Size()
	if size == 0 {
		return 0, fmt.Errorf("dtype %.40q is not known", string(d))
	}
	if len(shape) > maxDims {
		return 0, fmt.Errorf("there are %d dimensions, limit %d", len(shape), maxDims)
	}
	empty := false
	for i, n := range shape {
		switch {
		case n < 0:
			return 0, fmt.Errorf("dimension %d is %d, below 0", i, n)
		case n == 0:
			empty = true
		case size > math.MaxInt/n:
			return 0, fmt.Errorf("%s of shape %v takes more than %d bytes", d, shape, math.MaxInt)
		default:
			size *= n
		}
	}
	if empty {
		return 0, nil
	}
	return size, nil
}
