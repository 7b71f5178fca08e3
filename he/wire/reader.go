package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// Reader reads an object's payload and remembers the first error. What it gives has been
// checked.
type Reader struct {
	head   Object
	object *chunkReader
	n      int64 // bytes of payload that were given
	err    error
	buf    []byte
}

// Object is what the object says before its payload.
func (r *Reader) Object() Object { return r.head }

// Refuse makes err the reader's first error, if it has none.
func (r *Reader) Refuse(err error) error {
	if r.err == nil {
		r.err = err
	}
	return r.err
}

// Err is the first error.
func (r *Reader) Err() error { return r.err }

// Bytes is the next n, valid until the next call; zeros after an error.
func (r *Reader) Bytes(n int) []byte {
	if cap(r.buf) < n {
		r.buf = make([]byte, n)
	}
	b := r.buf[:n]
	if r.err != nil {
		clear(b)
		return b
	}
	got, err := io.ReadFull(r.object, b)
	r.n += int64(got)
	if err != nil {
		r.err = r.object.err // it says where
		clear(b)
	}
	return b
}

// Words64 fills v with residues below limit.
func (r *Reader) Words64(v []uint64, limit uint64) {
	for len(v) > 0 && r.err == nil {
		n := min(len(v), chunk)
		b := r.Bytes(8 * n)
		for i := range v[:n] {
			if v[i] = binary.LittleEndian.Uint64(b[8*i:]); v[i] >= limit && r.err == nil {
				r.err = fmt.Errorf("wire: %v has the residue %d at byte %d of its payload, want less than %d", r.head.Kind, v[i], r.n-int64(8*(n-i)), limit)
			}
		}
		v = v[n:]
	}
}

// Words32 fills v with words of at most limit.
func (r *Reader) Words32(v []uint32, limit uint32) {
	for len(v) > 0 && r.err == nil {
		n := min(len(v), chunk)
		b := r.Bytes(4 * n)
		for i := range v[:n] {
			if v[i] = binary.LittleEndian.Uint32(b[4*i:]); v[i] > limit && r.err == nil {
				r.err = fmt.Errorf("wire: %v has the word %d at byte %d of its payload, want at most %d", r.head.Kind, v[i], r.n-int64(4*(n-i)), limit)
			}
		}
		v = v[n:]
	}
}

// NewBytes is the next n bytes, in memory that grows as they arrive; see NewWords64. It
// is nil after an error.
func (r *Reader) NewBytes(n int) []byte {
	return grow(r, n, func(v []byte) {
		for part := range slices.Chunk(v, chunk) {
			copy(part, r.Bytes(len(part)))
		}
	})
}

// NewWords64 is the next n residues below limit, in memory that grows as they
// arrive: at most four times what was read, or 64 KiB. It is nil after an error.
func (r *Reader) NewWords64(n int, limit uint64) []uint64 {
	return grow(r, n, func(v []uint64) { r.Words64(v, limit) })
}

// NewWords32 is NewWords64 for words of at most limit.
func (r *Reader) NewWords32(n int, limit uint32) []uint32 {
	return grow(r, n, func(v []uint32) { r.Words32(v, limit) })
}

// grow makes room for a chunk of words and, when read has filled it, for four
// times as many, until there are n.
func grow[T any](r *Reader, n int, read func([]T)) []T {
	if r.err != nil {
		return nil
	}
	v := make([]T, 0, min(n, chunk))
	for {
		if read(v[len(v):cap(v)]); r.err != nil {
			return nil
		}
		v = v[:cap(v)]
		if len(v) == n {
			return v
		}
		v = append(make([]T, 0, min(n, 4*len(v))), v...)
	}
}

// EndOfFile is End for an object that is all of a file: it refuses what comes
// behind it.
func (r *Reader) EndOfFile() error {
	if r.End() == nil {
		if n, _ := io.ReadFull(r.object.r, make([]byte, 1)); n > 0 {
			r.err = fmt.Errorf("wire: %v: the file goes on after its end at byte %d", r.head.Kind, r.object.n)
		}
	}
	return r.err
}

// End says whether all of the payload was read.
func (r *Reader) End() error {
	if r.err == nil {
		r.err = r.object.end()
	}
	return r.err
}

// Keep reads all that is left of the payload, checks and all, in memory that grows as it
// arrives, and gives it from there afterwards: what follows waits for nobody. It returns
// the first error.
func (r *Reader) Keep() error {
	c := r.object
	n := c.left + int64(len(c.ready))
	b := r.NewBytes(int(n))
	if r.err != nil {
		return r.err
	}
	r.object = &chunkReader{r: c.r, name: c.name, n: c.n - n, ready: b}
	r.n -= n
	return nil
}
