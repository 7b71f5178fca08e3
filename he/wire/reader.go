package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Reader hashes what it reads and remembers the first error. What it gave before
// End returns nil is not to be trusted.
type Reader struct {
	r    io.Reader
	of   string // the package
	name string // of the object
	hash hash.Hash
	err  error
	buf  []byte
}

func newReader(r io.Reader, of, name string) *Reader {
	return &Reader{r: r, of: of, name: name, hash: sha256.New()}
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
	if _, err := io.ReadFull(r.r, b); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		r.err = fmt.Errorf("%s: %s is truncated: %w", r.of, r.name, io.ErrUnexpectedEOF)
	} else if err != nil {
		r.err = fmt.Errorf("%s: reading %s: %w", r.of, r.name, err)
	}
	if r.err != nil {
		clear(b)
	}
	r.hash.Write(b)
	return b
}

// Words64 fills v with residues below limit.
func (r *Reader) Words64(v []uint64, limit uint64) {
	for len(v) > 0 && r.err == nil {
		n := min(len(v), chunk)
		b := r.Bytes(8 * n)
		for i := range v[:n] {
			if v[i] = binary.LittleEndian.Uint64(b[8*i:]); v[i] >= limit && r.err == nil {
				r.err = fmt.Errorf("%s: %s has the residue %d, want less than %d", r.of, r.name, v[i], limit)
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
				r.err = fmt.Errorf("%s: %s has the word %d, want at most %d", r.of, r.name, v[i], limit)
			}
		}
		v = v[n:]
	}
}

// EndOfFile is End for an object that is all of a file: it refuses what comes
// behind it.
func (r *Reader) EndOfFile() error {
	if r.End() == nil {
		if n, _ := io.ReadFull(r.r, make([]byte, 1)); n > 0 {
			r.err = fmt.Errorf("%s: %s: the file goes on after its end", r.of, r.name)
		}
	}
	return r.err
}

// End reads and checks the hash.
func (r *Reader) End() error {
	if r.err != nil {
		return r.err
	}
	want := r.hash.Sum(nil)
	if got := r.Bytes(sha256.Size); r.err == nil && !bytes.Equal(got, want) {
		r.err = fmt.Errorf("%s: %s has SHA-256 %x, its contents have %x", r.of, r.name, got, want)
	}
	return r.err
}
