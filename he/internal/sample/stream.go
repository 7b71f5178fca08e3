package sample

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"

	"qtool/he/internal/guard"
)

// SeedSize is the length of a stream's seed in bytes: an AES-256 key.
const SeedSize = 32

// Seed starts a Stream. It is as secret as what the Stream gives, and prints as
// nothing but its name. A struct that is printed should hold a pointer to it:
// package fmt prints a Seed in an unexported field byte by byte.
type Seed [SeedSize]byte

// NewSeed is a seed from the operating system.
func NewSeed() (s Seed) {
	rand.Read(s[:]) // it gives no error: without randomness the program ends
	return s
}

// Stream is a pseudorandom generator: AES-256 in counter mode, with fast key
// erasure. Each refill encrypts the counters 0, 1, ... under the present key; the
// first 32 bytes become the next key, and the rest is handed out.
//
// A key makes only 2^10 blocks, so that telling them from uniform words has an
// advantage of at most 2^-109 a refill beyond that against AES itself, far below
// what 128 bits of security ask; and what was handed out does not follow from a
// state stolen later. This is the usual construction, as in NIST SP 800-90A
// (CTR_DRBG) and Bernstein, "Fast-key-erasure random-number generators", 2017. It
// stands where Lattigo uses BLAKE2 in extendable output mode: the same security
// level, and the processor has instructions for it.
//
// A Stream is not safe for concurrent use.
type Stream struct {
	guard.Secret[Stream]
	*hidden
}

// hidden keeps the state two pointers away; see guard.Secret.
type hidden struct{ *state }

type state struct {
	key    Seed
	buffer [1 << 14]byte
	next   int // of buffer: what lies before it is zero
	closed bool
}

var zeros [1 << 14]byte

// NewStream starts a stream. Equal seeds give equal streams: production code
// takes them from NewSeed or from another stream.
func NewStream(seed Seed) *Stream {
	s := &Stream{hidden: &hidden{&state{next: len(state{}.buffer)}}}
	s.Reset(seed)
	return s
}

// NewSystemStream starts a stream with a seed from the operating system.
func NewSystemStream() *Stream { return NewStream(NewSeed()) }

// Reset starts s again and clears what it held.
func (s *Stream) Reset(seed Seed) {
	clear(s.buffer[s.next:])
	s.key, s.next, s.closed = seed, len(s.buffer), false
}

// Close clears what s holds. Drawing from a closed stream panics; Reset opens it
// again.
func (s *Stream) Close() {
	s.Reset(Seed{})
	s.closed = true
}

func (s *Stream) refill() {
	if s.closed {
		panic("sample: a closed stream is drawn from")
	}
	block, err := aes.NewCipher(s.key[:])
	if err != nil {
		panic(err) // the key has the right length
	}
	cipher.NewCTR(block, make([]byte, aes.BlockSize)).XORKeyStream(s.buffer[:], zeros[:])
	s.next = copy(s.key[:], s.buffer[:])
	clear(s.buffer[:s.next])
}

// Seed draws a seed.
func (s *Stream) Seed() (seed Seed) {
	for i := 0; i < SeedSize; i += 8 {
		binary.LittleEndian.PutUint64(seed[i:], s.word())
	}
	return seed
}

// Words fills dst with uniform words.
func (s *Stream) Words(dst []uint64) {
	for len(dst) > 0 {
		if s.next == len(s.buffer) {
			s.refill()
		}
		from := s.buffer[s.next:]
		n := min(len(dst), len(from)/8)
		from = from[:8*n]
		words, bytes := dst[:n], from
		for ; len(words) >= 4 && len(bytes) >= 32; words, bytes = words[4:], bytes[32:] {
			words[0] = binary.LittleEndian.Uint64(bytes[0:])
			words[1] = binary.LittleEndian.Uint64(bytes[8:])
			words[2] = binary.LittleEndian.Uint64(bytes[16:])
			words[3] = binary.LittleEndian.Uint64(bytes[24:])
		}
		for i := range words {
			words[i] = binary.LittleEndian.Uint64(bytes[8*i:])
		}
		clear(from)
		s.next += 8 * n
		dst = dst[n:]
	}
}

func (s *Stream) word() uint64 {
	var w [1]uint64
	s.Words(w[:])
	return w[0]
}
