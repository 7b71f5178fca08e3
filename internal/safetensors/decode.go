package safetensors

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Limits bounds what [Decode] accepts. A limit of 0 allows nothing of its kind.
type Limits struct {
	MaxBytes   int64 // length of the whole file
	MaxTensors int   // number of tensors
	MaxHeader  int64 // length of the header in bytes, with its padding
}

// DefaultLimits is generous for the networks this module handles: 1 GiB of
// weights in ten thousand tensors.
var DefaultLimits = Limits{
	MaxBytes:   1 << 30,
	MaxTensors: 10_000,
	MaxHeader:  4 << 20,
}

// Decode reads a file that [Encode] could have written and is within l: encoding
// the result gives b again, byte for byte. Everything else is an error.
//
// The data of the tensors aliases b. Decode allocates memory in proportion to
// the header, whose length is checked against l and len(b) before it is used.
func Decode(b []byte, l Limits) (*File, error) {
	header, data, err := split(b, l)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	p := parser{scanner: scanner{b: header}, data: data, maxTensors: l.MaxTensors}
	p.header()
	if p.err != nil {
		return nil, fmt.Errorf("safetensors: %w", p.err)
	}
	// The parser takes keys and tensors only as Encode writes them, but any
	// padding and any spelling of numbers and escapes. Those differ here.
	canonical := appendHeader(make([]byte, 0, len(header)), p.file.Metadata, p.file.Tensors)
	if i := firstDifference(header, canonical); i >= 0 {
		return nil, fmt.Errorf("safetensors: header byte %d is not as in the canonical encoding", i)
	}
	return &p.file, nil
}

// split checks b against l and cuts it into header and tensor data.
func split(b []byte, l Limits) (header, data []byte, err error) {
	if int64(len(b)) > l.MaxBytes {
		return nil, nil, fmt.Errorf("file has %d bytes, limit %d", len(b), l.MaxBytes)
	}
	if len(b) < 8 {
		return nil, nil, fmt.Errorf("file has %d bytes, want at least 8", len(b))
	}
	n, rest := binary.LittleEndian.Uint64(b), b[8:]
	if n > math.MaxInt64 || int64(n) > l.MaxHeader {
		return nil, nil, fmt.Errorf("header has %d bytes, limit %d", n, l.MaxHeader)
	}
	if n > uint64(len(rest)) {
		return nil, nil, fmt.Errorf("header has %d bytes, only %d follow", n, len(rest))
	}
	return rest[:n], rest[n:], nil
}

// firstDifference returns the index of the first byte in which a and b differ,
// the shorter length if one is the start of the other, or -1 if they are equal.
func firstDifference(a, b []byte) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	if len(a) == len(b) {
		return -1
	}
	return n
}
