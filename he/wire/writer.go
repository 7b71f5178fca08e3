package wire

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"slices"
)

// Writer checks and counts what it passes on, and remembers the first error.
type Writer struct {
	w    io.Writer
	name string // of the package
	hash hash.Hash
	n    int64
	err  error
	buf  []byte

	object *chunkWriter // of Create; it writes checks itself, and hash is nil
}

// NewWriter writes a header.
func (f *Format) NewWriter(w io.Writer, h *Header) *Writer {
	out := &Writer{w: w, name: f.Package, hash: sha256.New()}
	out.Bytes(f.encode(h))
	return out
}

// Err is the first error.
func (w *Writer) Err() error { return w.err }

// Bytes writes b.
func (w *Writer) Bytes(b []byte) {
	if w.err != nil {
		return
	}
	if w.hash != nil {
		w.hash.Write(b)
	}
	n, err := w.w.Write(b)
	w.n += int64(n)
	w.err = err
}

// chunk is how many words are converted at once.
const chunk = 1 << 13

// Words64 writes words.
func (w *Writer) Words64(v []uint64) { words(w, v, binary.LittleEndian.AppendUint64) }

// Words32 writes words.
func (w *Writer) Words32(v []uint32) { words(w, v, binary.LittleEndian.AppendUint32) }

func words[T any](w *Writer, v []T, put func([]byte, T) []byte) {
	for part := range slices.Chunk(v, chunk) {
		w.buf = w.buf[:0]
		for _, x := range part {
			w.buf = put(w.buf, x)
		}
		w.Bytes(w.buf)
	}
}

// End ends an object that Create began or, of version 1, writes its hash. It returns how
// many bytes were written in all, and the first error.
func (w *Writer) End() (int64, error) {
	if w.object != nil {
		if n, err := w.object.end(); err != nil {
			return n, fmt.Errorf("%s: writing: %w", w.name, err)
		}
		return w.object.n, nil
	}
	w.Bytes(w.hash.Sum(nil))
	if w.err != nil {
		return w.n, fmt.Errorf("%s: writing: %w", w.name, w.err)
	}
	return w.n, nil
}
