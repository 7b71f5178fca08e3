// Package wiretest tests what back ends write with package wire.
package wiretest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"qtool/he/wire"
	"qtool/internal/edits"
)

// Object is an object as written, and its reader, which gives it back written
// again.
type Object struct {
	Data []byte
	Read func([]byte) ([]byte, error)
}

// Encoded is what write writes.
func Encoded(t testing.TB, write func(io.Writer) (int64, error)) []byte {
	t.Helper()
	var b bytes.Buffer
	n, err := write(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("wrote %d of %d bytes: %v", n, b.Len(), err)
	}
	return b.Bytes()
}

// Decoded is what read reads of what was written.
func Decoded[T any](t testing.TB, read func(io.Reader) (T, error), data []byte) T {
	t.Helper()
	v, err := read(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Of is an object that read reads and write writes again.
func Of[T any](data []byte, read func(io.Reader) (T, error), write func(T, io.Writer) (int64, error)) Object {
	return Object{data, func(b []byte) ([]byte, error) { return Again(b, read, write) }}
}

// Again is what write writes of what read reads, unless that is refused. It panics
// if what was read can't be written.
func Again[T any](b []byte, read func(io.Reader) (T, error), write func(T, io.Writer) (int64, error)) ([]byte, error) {
	v, err := read(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	var again bytes.Buffer
	if _, err := write(v, &again); err != nil {
		panic(err)
	}
	return again.Bytes(), nil
}

// head is where a payload begins.
func head(f *wire.Format) int { return int(f.Bytes(0)) - sha256.Size }

// everyCut is the size up to which an object is cut at every byte.
const everyCut = 8 << 10

// cuts are lengths below size: all of them, or all of the header's, some around the
// ends, and some anywhere.
func cuts(rng *rand.Rand, head, size int) (all []int) {
	for n := range min(size, max(head+2, everyCut)) {
		if size <= everyCut || n < head+2 {
			all = append(all, n)
		}
	}
	if size > everyCut {
		all = append(all, head+5, size/2, size-33, size-32, size-1)
		for range 40 {
			all = append(all, rng.IntN(size))
		}
	}
	return all
}

// spare is the memory that reading may take besides a multiple of what arrived:
// chunks, hashes, and what a client makes of its half first.
const spare = 1 << 20

// allocated is the bytes that f allocates, and whatever runs beside it.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// Check holds the objects of a format, by the names of their kinds, to what package
// wire promises: they come back as they were, and what is cut short, altered, of
// another version or of another kind is refused, with an error that names it.
func Check(t *testing.T, f *wire.Format, objects map[string]Object) {
	t.Helper()
	rng, head := rand.New(rand.NewPCG(1, 0)), head(f)
	for name, o := range objects {
		again, err := o.Read(o.Data)
		if err != nil || !bytes.Equal(again, o.Data) {
			t.Errorf("%s: changed on the wire, %v", name, err)
		}
		for _, n := range cuts(rng, head, len(o.Data)) {
			if _, err := o.Read(o.Data[:n]); !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), fmt.Sprintf("%s is truncated at byte %d:", name, n)) {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
		for _, n := range []int{head, head + 9, min(len(o.Data)-1, head+100_000)} {
			if got := allocated(func() { _, _ = o.Read(o.Data[:n]) }); got > spare+8*int64(n) {
				t.Errorf("%s cut to %d bytes of %d: reading takes %d bytes of memory", name, n, len(o.Data), got)
			}
		}
		for k := range head + 40 {
			at := k // all of the header, and anywhere
			if k >= head {
				at = rng.IntN(len(o.Data))
			}
			damaged := bytes.Clone(o.Data)
			damaged[at] ^= 1 << rng.IntN(8)
			if _, err := o.Read(damaged); err == nil {
				t.Errorf("%s: a flipped bit in byte %d goes unnoticed", name, at)
			}
		}
		newer := bytes.Clone(o.Data)
		newer[len(f.Magic)]++
		if _, err := o.Read(newer); !errors.Is(err, wire.ErrVersion) {
			t.Errorf("%s of a later version: %v", name, err)
		}
		for other, p := range objects {
			if _, err := p.Read(o.Data); other != name && (err == nil || !strings.Contains(err.Error(), name)) {
				t.Errorf("a %s is read as %s: %v", name, other, err)
			}
		}
	}
}

// forge writes the largest word over the payload from byte at on, with the right
// hash.
func forge(f *wire.Format, data []byte, at int) []byte {
	b := bytes.Clone(data)
	copy(b[head(f)+at:], bytes.Repeat([]byte{0xff}, 8))
	sum := sha256.Sum256(b[:len(b)-sha256.Size])
	copy(b[len(b)-sha256.Size:], sum[:])
	return b
}

// CheckReduced wants objects refused whose payload has what is no residue or, in a
// secret key, no coefficient, where the first is: at byte at.
func CheckReduced(t *testing.T, f *wire.Format, at int, objects map[string]Object) {
	t.Helper()
	for name, o := range objects {
		if _, err := o.Read(forge(f, o.Data, at)); err == nil || !strings.Contains(err.Error(), name+" has the residue") && !strings.Contains(err.Error(), name+" is damaged at coefficient 0") {
			t.Errorf("%s that is not reduced: %v", name, err)
		}
	}
}

// Fuzz edits the objects, makes their hashes right, and wants what every reader
// reads to be written as the same bytes.
func Fuzz(f *testing.F, objects map[string]Object) {
	var originals [][]byte
	for _, name := range slices.Sorted(maps.Keys(objects)) {
		originals = append(originals, objects[name].Data)
	}
	seal := func(b []byte) []byte {
		if len(b) >= sha256.Size {
			sum := sha256.Sum256(b[:len(b)-sha256.Size])
			copy(b[len(b)-sha256.Size:], sum[:])
		}
		return b
	}
	edits.Fuzz(f, originals, nil, seal, func(t *testing.T, b []byte) {
		for name, o := range objects {
			if again, err := o.Read(b); err == nil && !bytes.Equal(again, b[:len(again)]) {
				t.Errorf("%s is read but encodes differently", name)
			}
		}
	})
}
