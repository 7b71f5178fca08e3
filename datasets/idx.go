package datasets

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// IDX is an array of bytes with a shape, row-major.
type IDX struct {
	Shape []int
	Data  []uint8
}

// IDXLimits bound what ReadIDX accepts.
type IDXLimits struct {
	Dims  int // number of dimensions
	Dim   int // size of each
	Bytes int // of data, uncompressed
}

// DefaultIDXLimits admit any dataset this package can use.
var DefaultIDXLimits = IDXLimits{Dims: 4, Dim: 1 << 20, Bytes: 1 << 28}

const idxUint8 = 0x08 // type code of unsigned bytes

// ReadIDX reads one IDX array of unsigned bytes, gzipped or not, to the end of
// r. The format, numbers big-endian:
//
//	0x00 0x00 0x08 dims | dims * uint32 size | product(sizes) bytes
//
// It is strict: another type, sizes of 0 or over lim, missing data and bytes
// after the data are errors. Memory grows with the data that arrives, never
// beyond lim.Bytes, whatever the header or the compression claims.
//
// Reference: http://yann.lecun.com/exdb/mnist/, "The IDX file format".
func ReadIDX(r io.Reader, lim IDXLimits) (*IDX, error) {
	x, err := readIDX(r, lim)
	if err != nil {
		return nil, fmt.Errorf("datasets: idx: %w", err)
	}
	return x, nil
}

// readIDX is ReadIDX with errors that do not name the package.
func readIDX(r io.Reader, lim IDXLimits) (*IDX, error) {
	br := bufio.NewReader(r)
	r = br
	if magic, _ := br.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, err
		}
		r = zr
	}
	shape, err := readIDXShape(r, lim)
	if err != nil {
		return nil, err
	}
	data, err := readExactly(r, volume(shape))
	if err != nil {
		return nil, err
	}
	return &IDX{Shape: shape, Data: data}, nil
}

// readIDXShape reads the header of an IDX array.
func readIDXShape(r io.Reader, lim IDXLimits) ([]int, error) {
	var magic [4]byte
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return nil, fmt.Errorf("magic: %w", err)
	}
	if magic[0] != 0 || magic[1] != 0 {
		return nil, fmt.Errorf("magic %#02x does not begin with two zeros", magic)
	}
	if magic[2] != idxUint8 {
		return nil, fmt.Errorf("type %#02x is not %#02x (unsigned byte)", magic[2], idxUint8)
	}
	if dims := int(magic[3]); dims < 1 || dims > lim.Dims {
		return nil, fmt.Errorf("%d dimensions, want 1 to %d", dims, lim.Dims)
	}
	shape, total := make([]int, magic[3]), 1
	for i := range shape {
		var b [4]byte
		if _, err := io.ReadFull(r, b[:]); err != nil {
			return nil, fmt.Errorf("size of dimension %d: %w", i, err)
		}
		size := binary.BigEndian.Uint32(b[:])
		if size < 1 || uint64(size) > uint64(lim.Dim) {
			return nil, fmt.Errorf("size %d of dimension %d is not in [1, %d]", size, i, lim.Dim)
		}
		if int(size) > lim.Bytes/total {
			return nil, fmt.Errorf("%d x %d bytes of data are over the limit of %d", total, size, lim.Bytes)
		}
		shape[i] = int(size)
		total *= int(size)
	}
	return shape, nil
}

// readExactly reads n bytes and then the end of r.
func readExactly(r io.Reader, n int) ([]uint8, error) {
	const first = 1 << 20
	data := make([]uint8, 0, min(n, first))
	for len(data) < n {
		if len(data) == cap(data) {
			grown := make([]uint8, len(data), min(n, 4*cap(data)))
			copy(grown, data)
			data = grown
		}
		m, err := io.ReadFull(r, data[len(data):cap(data)])
		data = data[:len(data)+m]
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, fmt.Errorf("%d bytes of data, want %d: %w", len(data), n, io.ErrUnexpectedEOF)
		} else if err != nil {
			return nil, fmt.Errorf("byte %d of the data: %w", len(data), err)
		}
	}
	var extra [1]byte
	switch m, err := io.ReadFull(r, extra[:]); {
	case m > 0:
		return nil, fmt.Errorf("bytes after the %d of data", n)
	case !errors.Is(err, io.EOF): // a gzip checksum, for one
		return nil, fmt.Errorf("end of the data: %w", err)
	}
	return data, nil
}

// WriteIDX writes x uncompressed, in the format that ReadIDX reads.
// It fails if the shape does not fit the format or the data.
func WriteIDX(w io.Writer, x *IDX) error {
	if len(x.Shape) < 1 || len(x.Shape) > 255 {
		return fmt.Errorf("datasets: idx: %d dimensions, want 1 to 255", len(x.Shape))
	}
	header := []byte{0, 0, idxUint8, byte(len(x.Shape))}
	for i, size := range x.Shape {
		if size < 1 || uint64(size) > 1<<32-1 {
			return fmt.Errorf("datasets: idx: size %d of dimension %d is not in [1, 2^32-1]", size, i)
		}
		header = binary.BigEndian.AppendUint32(header, uint32(size))
	}
	if volume(x.Shape) != len(x.Data) {
		return fmt.Errorf("datasets: idx: %d bytes of data do not fill shape %v", len(x.Data), x.Shape)
	}
	for _, part := range [][]byte{header, x.Data} {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("datasets: idx: %w", err)
		}
	}
	return nil
}
