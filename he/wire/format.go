package wire

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// ErrVersion marks bytes of a version that this program does not read.
var ErrVersion = errors.New("unsupported version")

// KeyID names a secret key, at random: what is encrypted under one key and meets
// another is refused.
type KeyID [16]byte

// NewKeyID draws one.
func NewKeyID() (id KeyID) {
	rand.Read(id[:]) // it gives no error: without randomness the program ends
	return id
}

// Format is one back end's framing of version 1:
//
//	8 bytes   magic of the format
//	1 byte    version
//	1 byte    kind
//	          parameters, of the length that the format says
//	32 bytes  digest of the plan, zero for keys
//	16 bytes  key id
//	payload   of the length that parameters and plan say
//	32 bytes  SHA-256 of all before
type Format struct {
	Package    string   // begins messages
	Magic      string   // 8 bytes
	Version    uint8    // the one that is written and read
	Kinds      []string // what objects are called; their kinds count from 1
	Parameters int      // bytes of parameters
}

// Header is what comes before an object's payload.
type Header struct {
	Kind       uint8
	Parameters []byte
	Plan       [32]byte
	Key        KeyID
}

// name is the name of a kind.
func (f *Format) name(kind uint8) string {
	if kind < 1 || int(kind) > len(f.Kinds) {
		return "unknown"
	}
	return f.Kinds[kind-1]
}

const magicBytes = 8

func (f *Format) headerBytes() int { return magicBytes + 2 + f.Parameters + 32 + len(KeyID{}) }

// Bytes is the size of an object with the given payload.
func (f *Format) Bytes(payload int64) int64 {
	return int64(f.headerBytes()) + payload + sha256.Size
}

// encode panics if the format is not as its comment says.
func (f *Format) encode(h *Header) []byte {
	if len(f.Magic) != magicBytes || len(h.Parameters) != f.Parameters {
		panic(fmt.Sprintf("wire: magic %q and %d bytes of parameters, want 8 and %d", f.Magic, len(h.Parameters), f.Parameters))
	}
	b := append([]byte(f.Magic), f.Version, h.Kind)
	b = append(b, h.Parameters...)
	b = append(b, h.Plan[:]...)
	return append(b, h.Key[:]...)
}

// NewReader reads a header. Its kind, parameters and plan must be want's; other
// parameters give the error that others makes of them.
func (f *Format) NewReader(r io.Reader, want *Header, others func(name string, got []byte) error) (*Reader, KeyID, error) {
	in := newReader(r, f.Package, f.name(want.Kind))
	b := in.Bytes(f.headerBytes())
	if in.err != nil {
		return nil, KeyID{}, in.err
	}
	expected := f.encode(want)
	take := func(n int) (got []byte, same bool) {
		got, same = b[:n], bytes.Equal(b[:n], expected[:n])
		b, expected = b[n:], expected[n:]
		return got, same
	}
	if got, same := take(magicBytes); !same {
		return nil, KeyID{}, fmt.Errorf("%s: %s begins with %q, want %q", f.Package, in.name, got, f.Magic)
	}
	if got, same := take(1); !same {
		return nil, KeyID{}, fmt.Errorf("%s: %s of version %d, this reads %d: %w", f.Package, in.name, got[0], f.Version, ErrVersion)
	}
	if got, same := take(1); !same {
		return nil, KeyID{}, fmt.Errorf("%s: object of kind %d (%s) where a %s is wanted", f.Package, got[0], f.name(got[0]), in.name)
	}
	if got, same := take(f.Parameters); !same {
		return nil, KeyID{}, others(in.name, got)
	}
	if _, same := take(32); !same {
		return nil, KeyID{}, fmt.Errorf("%s: %s was made for another program or other parameters", f.Package, in.name)
	}
	return in, KeyID(b), nil
}
