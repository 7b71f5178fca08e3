package wire

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// Writer writes an object's payload, counts, and remembers the first error.
type Writer struct {
	object *chunkWriter
	err    error
	buf    []byte
}

// Err is the first error.
func (w *Writer) Err() error { return w.err }

// Bytes writes b.
func (w *Writer) Bytes(b []byte) {
	if w.err == nil {
		_, w.err = w.object.Write(b)
	}
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

// End ends the object. It returns how many bytes were written in all, and the first error.
func (w *Writer) End() (int64, error) {
	n, err := w.object.end()
	if err != nil {
		return n, fmt.Errorf("wire: writing: %w", err)
	}
	return n, nil
}
