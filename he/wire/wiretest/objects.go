// Package wiretest tests what back ends write with package wire.
package wiretest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qtool/he/wire"
	"qtool/internal/edits"
)

// Written is an object as it was written, and what reads it: to its end and nothing
// behind it. Again, if not nil, is what the reader writes of what it read.
type Written struct {
	Data  []byte
	Read  func(io.Reader) error
	Again func(io.Reader) ([]byte, error)
}

// read reads what may be damaged.
func (o *Written) read(b []byte) error {
	if o.Read == nil {
		_, err := o.Again(bytes.NewReader(b))
		return err
	}
	return o.Read(bytes.NewReader(b))
}

// What an object's head has before its check, and where.
const (
	plainHead = 92
	headSize  = plainHead + sha256.Size
	lengthAt  = 84
)

// Plain is an object without its checks: its head, and its payload.
func Plain(data []byte) (head, payload []byte) {
	head, rest := bytes.Clone(data[:plainHead]), data[headSize:]
	const chunk = 1<<16 + sha256.Size
	for part := range slices.Chunk(rest, chunk) {
		payload = append(payload, part[:len(part)-sha256.Size]...)
	}
	return head, payload
}

// Sealed is an object with the head and the payload, its length and all checks right.
func Sealed(head, payload []byte) []byte {
	h, b := sha256.New(), bytes.Clone(head)
	binary.LittleEndian.PutUint64(b[lengthAt:], uint64(len(payload)))
	check := func(part []byte) {
		h.Write(part)
		sum := h.Sum(nil)
		h.Write(sum)
		b = append(b, sum...)
	}
	check(b)
	for part := range slices.Chunk(payload, 1<<16) {
		b = append(b, part...)
		check(part)
	}
	return b
}

// Changed is an object of which change has changed the head and the payload, its length
// and all checks right.
func Changed(data []byte, change func(head, payload []byte) ([]byte, []byte)) []byte {
	return Sealed(change(Plain(data)))
}

// Places of a head's fields, for Changed.
const (
	KindAt    = 9
	LastAt    = 10
	SpecAt    = 12
	KeyAt     = 44
	StreamAt  = 60
	IndexAt   = 76
	SamplesAt = 80
)

// flip changes a byte of the head.
func flip(at int) func(head, payload []byte) ([]byte, []byte) {
	return func(head, payload []byte) ([]byte, []byte) {
		head[at] ^= 1
		return head, payload
	}
}

// CheckObjects holds the objects of a back end to what package wire promises: they are
// read and come back as they were, and what is cut short, damaged, of another version,
// kind, client half, secret key or length is refused, with memory for what arrived alone.
func CheckObjects(t *testing.T, objects map[wire.Kind]Written) {
	t.Helper()
	rng := rand.New(rand.NewPCG(1, 0))
	for kind, o := range objects {
		checkIntact(t, kind, &o)
		for _, n := range cuts(rng, headSize, len(o.Data)) {
			if err := o.read(o.Data[:n]); !errors.Is(err, io.ErrUnexpectedEOF) && !(n == 0 && errors.Is(err, io.EOF)) {
				t.Errorf("%v cut to %d bytes: %v", kind, n, err)
			}
		}
		for _, n := range []int{headSize, headSize + 9, min(len(o.Data)-1, headSize+100_000)} {
			if n >= len(o.Data) {
				continue
			}
			if got := allocated(func() { _ = o.read(o.Data[:n]) }); got > spare+8*int64(n) {
				t.Errorf("%v cut to %d bytes of %d: reading takes %d bytes of memory", kind, n, len(o.Data), got)
			}
		}
		for k := range headSize + 40 {
			at := k // all of the head, and anywhere
			if k >= headSize {
				at = rng.IntN(len(o.Data))
			}
			damaged := bytes.Clone(o.Data)
			damaged[at] ^= 1 << rng.IntN(8)
			if err := o.read(damaged); err == nil {
				t.Errorf("%v: a flipped bit in byte %d goes unnoticed", kind, at)
			}
		}
		newer := bytes.Clone(o.Data)
		newer[len("\x93qtoolHE")]++
		if err := o.read(newer); !errors.Is(err, wire.ErrVersion) {
			t.Errorf("%v of a later version: %v", kind, err)
		}
		checkStrangers(t, kind, &o)
		for other, p := range objects {
			if err := p.read(o.Data); other != kind && (err == nil || !strings.Contains(err.Error(), kind.String())) {
				t.Errorf("%v read as %v: %v", kind, other, err)
			}
		}
	}
}

// checkIntact reads an object as it is.
func checkIntact(t *testing.T, kind wire.Kind, o *Written) {
	t.Helper()
	in, err := wire.Open(bytes.NewReader(o.Data))
	if err != nil {
		t.Fatalf("%v: %v", kind, err)
	}
	if got := in.Object(); got.Kind != kind || wire.Size(got.Length) != int64(len(o.Data)) {
		t.Fatalf("%v: written is a %v of %d bytes, %d in all", kind, got.Kind, got.Length, len(o.Data))
	}
	if err := o.read(o.Data); err != nil {
		t.Errorf("%v: %v", kind, err)
	}
	if o.Again != nil {
		if again, err := o.Again(bytes.NewReader(o.Data)); err != nil || !bytes.Equal(again, o.Data) {
			t.Errorf("%v: changed on the wire, %v", kind, err)
		}
	}
}

// checkStrangers changes heads and lengths, with right checks.
func checkStrangers(t *testing.T, kind wire.Kind, o *Written) {
	t.Helper()
	if kind != wire.ClientHalf && kind != wire.ServerHalf {
		if err := o.read(Changed(o.Data, flip(SpecAt+3))); !errors.Is(err, wire.ErrSpec) {
			t.Errorf("%v of another client half: %v", kind, err)
		}
	}
	if kind == wire.Inputs || kind == wire.Outputs {
		if err := o.read(Changed(o.Data, flip(KeyAt+3))); !errors.Is(err, wire.ErrKey) {
			t.Errorf("%v of another secret key: %v", kind, err)
		}
		for _, n := range []uint32{0, 1 << 31} {
			b := Changed(o.Data, func(head, payload []byte) ([]byte, []byte) {
				binary.LittleEndian.PutUint32(head[SamplesAt:], n)
				return head, payload
			})
			if err := o.read(b); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("with %d samples", n)) {
				t.Errorf("%v with %d samples: %v", kind, n, err)
			}
		}
	}
	for name, change := range map[string]func(head, payload []byte) ([]byte, []byte){
		"shorter": func(head, payload []byte) ([]byte, []byte) { return head, payload[:max(1, len(payload))-1] },
		"longer":  func(head, payload []byte) ([]byte, []byte) { return head, append(payload, 0) },
		"empty":   func(head, _ []byte) ([]byte, []byte) { return head, nil },
	} {
		if b := Changed(o.Data, change); len(b) != len(o.Data) {
			if err := o.read(b); err == nil {
				t.Errorf("%v with a %s payload is read", kind, name)
			}
		}
	}
}

// CheckNotReduced wants an object refused whose payload has the largest word of so many
// bytes at byte at: it is no residue, or no coefficient.
func CheckNotReduced(t *testing.T, kind wire.Kind, o Written, at, width int) {
	t.Helper()
	b := Changed(o.Data, func(head, payload []byte) ([]byte, []byte) {
		copy(payload[at:at+width], bytes.Repeat([]byte{0xff}, width))
		return head, payload
	})
	if err := o.read(b); err == nil || !strings.Contains(err.Error(), kind.String()) {
		t.Errorf("%v that are not reduced at byte %d: %v", kind, at, err)
	}
}

// FuzzObjects edits the objects, and gives every reader them with right checks and as
// they are: none may panic, and what is read must be written as the same bytes, where
// there is an Again.
func FuzzObjects(f *testing.F, objects map[wire.Kind]Written) {
	var originals [][]byte
	kinds := slices.Sorted(maps.Keys(objects))
	for _, kind := range kinds {
		head, payload := Plain(objects[kind].Data)
		originals = append(originals, objects[kind].Data, slices.Concat([]byte{0}, head, payload))
	}
	seal := func(b []byte) []byte {
		if len(b) == 0 || b[0] != 0 {
			return b // a whole object
		}
		b = append(b[1:], make([]byte, max(0, plainHead+1-len(b)))...)
		return Sealed(b[:plainHead], b[plainHead:])
	}
	edits.Fuzz(f, originals, nil, seal, func(t *testing.T, b []byte) {
		for _, kind := range kinds {
			o := objects[kind]
			if o.Again == nil {
				_ = o.read(b)
			} else if again, err := o.Again(bytes.NewReader(b)); err == nil && !bytes.Equal(again, b[:min(len(again), len(b))]) {
				t.Errorf("%v is read but encodes differently", kind)
			}
		}
	})
}
