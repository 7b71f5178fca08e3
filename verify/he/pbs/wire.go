package pbs

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// Keys and ciphertexts on the wire are
//
//	8 bytes   "qtoolpbs"
//	1 byte    version
//	1 byte    kind
//	11 bytes  parameters, see ParametersLiteral.bytes
//	32 bytes  digest of the plan, zero for keys
//	16 bytes  key id
//	payload   of the length that parameters and plan say
//	32 bytes  SHA-256 of all before
//
// all little endian. Reading is strict: everything must be what the plan expects,
// every residue reduced, and the hash right. What is read was expected to be
// there: nothing in the bytes decides how much memory is taken.

const wireVersion = 1

const magic = "qtoolpbs"

// The kinds of objects.
const (
	kindSecretKey uint8 = iota + 1
	kindEvaluationKeys
	kindInput
	kindOutput
)

var kindNames = map[uint8]string{
	kindSecretKey: "secret key", kindEvaluationKeys: "evaluation key", kindInput: "input", kindOutput: "output",
}

// ErrVersion marks bytes of a version that this package does not read.
var ErrVersion = errors.New("unsupported version")

const headerBytes = len(magic) + 2 + literalBytes + 32 + 16

// wireBytes is the size of an object with the given payload.
func wireBytes(payload int64) int64 { return int64(headerBytes) + payload + sha256.Size }

// header is what comes before the payload.
type header struct {
	kind   uint8
	params ParametersLiteral
	plan   [32]byte
	id     KeyID
}

func (h *header) encode() []byte {
	b := append([]byte(magic), wireVersion, h.kind)
	b = append(b, h.params.bytes()...)
	b = append(b, h.plan[:]...)
	return append(b, h.id[:]...)
}

// writer hashes and counts what it passes on, and remembers the first error.
type writer struct {
	w    io.Writer
	hash hash.Hash
	n    int64
	err  error
	buf  []byte
}

func newWriter(w io.Writer, h *header) *writer {
	out := &writer{w: w, hash: sha256.New()}
	out.write(h.encode())
	return out
}

func (w *writer) write(b []byte) {
	if w.err != nil {
		return
	}
	w.hash.Write(b)
	n, err := w.w.Write(b)
	w.n += int64(n)
	w.err = err
}

// chunk is how many words are converted at once.
const chunk = 1 << 13

func (w *writer) words64(v []uint64) {
	for len(v) > 0 {
		n := min(len(v), chunk)
		w.buf = w.buf[:0]
		for _, x := range v[:n] {
			w.buf = binary.LittleEndian.AppendUint64(w.buf, x)
		}
		w.write(w.buf)
		v = v[n:]
	}
}

func (w *writer) words32(v []uint32) {
	for len(v) > 0 {
		n := min(len(v), chunk)
		w.buf = w.buf[:0]
		for _, x := range v[:n] {
			w.buf = binary.LittleEndian.AppendUint32(w.buf, x)
		}
		w.write(w.buf)
		v = v[n:]
	}
}

// end writes the hash.
func (w *writer) end() (int64, error) {
	w.write(w.hash.Sum(nil))
	if w.err != nil {
		return w.n, fmt.Errorf("pbs: writing: %w", w.err)
	}
	return w.n, nil
}

// reader hashes what it reads and remembers the first error.
type reader struct {
	r    io.Reader
	name string
	hash hash.Hash
	err  error
	buf  []byte
}

// newReader reads a header and checks it against the plan.
func newReader(r io.Reader, p *Plan, kind uint8) (*reader, KeyID, error) {
	in := &reader{r: r, name: kindNames[kind], hash: sha256.New()}
	b := in.bytes(headerBytes)
	if in.err != nil {
		return nil, KeyID{}, in.err
	}
	want := &header{kind: kind, params: p.params.ParametersLiteral}
	if kind == kindInput || kind == kindOutput {
		want.plan = p.hash
	}
	expected := want.encode()
	take := func(n int) (got, want []byte) {
		got, want = b[:n], expected[:n]
		b, expected = b[n:], expected[n:]
		return got, want
	}
	if got, want := take(len(magic)); !bytes.Equal(got, want) {
		return nil, KeyID{}, fmt.Errorf("pbs: %s begins with %q, want %q", in.name, got, want)
	}
	if got, _ := take(1); got[0] != wireVersion {
		return nil, KeyID{}, fmt.Errorf("pbs: %s of version %d, this reads %d: %w", in.name, got[0], wireVersion, ErrVersion)
	}
	if got, _ := take(1); got[0] != kind {
		return nil, KeyID{}, fmt.Errorf("pbs: object of kind %d %q where a %s is wanted", got[0], kindNames[got[0]], in.name)
	}
	if got, want := take(literalBytes); !bytes.Equal(got, want) {
		return nil, KeyID{}, &KeyError{What: in.name, Got: literalOf(got), Want: p.params.ParametersLiteral}
	}
	if got, want := take(32); !bytes.Equal(got, want) {
		return nil, KeyID{}, fmt.Errorf("pbs: %s was made for another program or other parameters", in.name)
	}
	return in, KeyID(b), nil
}

// bytes is the next n, valid until the next call.
func (r *reader) bytes(n int) []byte {
	if cap(r.buf) < n {
		r.buf = make([]byte, n)
	}
	b := r.buf[:n]
	if r.err == nil {
		if _, err := io.ReadFull(r.r, b); errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			r.err = fmt.Errorf("pbs: %s is truncated: %w", r.name, io.ErrUnexpectedEOF)
		} else if err != nil {
			r.err = fmt.Errorf("pbs: reading %s: %w", r.name, err)
		}
		r.hash.Write(b)
	}
	return b
}

// words64 fills v with residues below limit.
func (r *reader) words64(v []uint64, limit uint64) {
	for len(v) > 0 && r.err == nil {
		n := min(len(v), chunk)
		b := r.bytes(8 * n)
		for i := range v[:n] {
			if v[i] = binary.LittleEndian.Uint64(b[8*i:]); v[i] >= limit && r.err == nil {
				r.err = fmt.Errorf("pbs: %s has the residue %d, want less than %d", r.name, v[i], limit)
			}
		}
		v = v[n:]
	}
}

// words32 fills v with words of at most limit.
func (r *reader) words32(v []uint32, limit uint32) {
	for len(v) > 0 && r.err == nil {
		n := min(len(v), chunk)
		b := r.bytes(4 * n)
		for i := range v[:n] {
			if v[i] = binary.LittleEndian.Uint32(b[4*i:]); v[i] > limit && r.err == nil {
				r.err = fmt.Errorf("pbs: %s has the word %d, want at most %d", r.name, v[i], limit)
			}
		}
		v = v[n:]
	}
}

// end reads and checks the hash.
func (r *reader) end() error {
	if r.err != nil {
		return r.err
	}
	want := r.hash.Sum(nil)
	if got := r.bytes(sha256.Size); r.err == nil && !bytes.Equal(got, want) {
		r.err = fmt.Errorf("pbs: %s has SHA-256 %x, its contents have %x", r.name, got, want)
	}
	return r.err
}
