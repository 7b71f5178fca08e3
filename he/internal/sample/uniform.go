package sample

import (
	"encoding/binary"
	"math/bits"
)

// Uniform fills dst with uniform residues modulo q > 0: words of as many bits as
// q has, drawn again while they are not below q. The words behind the first len(dst)
// take the places of refused ones in ascending order, so that dst is a function of
// the stream and q alone, however many are drawn at a time.
func (s *Stream) Uniform(dst []uint64, q uint64) {
	mask := uint64(1)<<bits.Len64(q-1) - 1
	s.Words(dst)
	var refused [uniformBlock + 1]int32
	for from := 0; from < len(dst); from += uniformBlock {
		part := dst[from:min(from+uniformBlock, len(dst))]
		n := 0
		for i, w := range part {
			w &= mask
			part[i] = w
			refused[n] = int32(i)
			n += notBelow(w, q)
		}
		s.redraw(part, refused[:n], mask, q)
	}
}

// uniformBlock is the words whose places are listed at a time.
const uniformBlock = 512

// notBelow is 1 where x >= q, else 0, without a branch: half of all words are refused
// where q is just above a power of two.
func notBelow(x, q uint64) int {
	_, borrow := bits.Sub64(x, q, 0)
	return int(1 - borrow)
}

// redraw puts the next words that are below q in the given places of dst.
func (s *Stream) redraw(dst []uint64, places []int32, mask, q uint64) {
	for len(places) > 0 {
		if s.next == len(s.buffer) {
			s.refill()
		}
		from := s.buffer[s.next:]
		k, used := 0, 0
		for ; used < len(from)/8 && k < len(places); used++ {
			w := binary.LittleEndian.Uint64(from[8*used:]) & mask
			dst[places[k]] = w
			k += 1 - notBelow(w, q)
		}
		clear(from[:8*used])
		s.next += 8 * used
		places = places[k:]
	}
}

// Words32 fills dst with uniform words of 32 bits: halves of words of 64, the low
// one first. A half that is left over is not used.
func (s *Stream) Words32(dst []uint32) {
	for len(dst) > 0 {
		if s.next == len(s.buffer) {
			s.refill()
		}
		from := s.buffer[s.next:]
		n := min(len(dst), len(from)/4)
		for i := range dst[:n] {
			dst[i] = binary.LittleEndian.Uint32(from[4*i:])
		}
		used := (4*n + 7) &^ 7
		clear(from[:used])
		s.next += used
		dst = dst[n:]
	}
}

// Ternary fills dst with -1, 0 and 1, each with probability 1/3: pairs of bits,
// 32 to a word from the low end on, of which 3 is passed over. How many pairs that
// takes does not depend on the values.
func (s *Stream) Ternary(dst []int8) {
	for len(dst) > 0 {
		w := s.word()
		for k := 0; k < 64 && len(dst) > 0; k += 2 {
			if pair := w >> k & 3; pair < 3 {
				dst[0] = int8(pair) - 1
				dst = dst[1:]
			}
		}
	}
}

// Binary fills dst with uniform bits: 64 to a word, the low one first.
func (s *Stream) Binary(dst []uint8) {
	for len(dst) > 0 {
		w := s.word()
		n := min(64, len(dst))
		for k := range dst[:n] {
			dst[k] = uint8(w >> k & 1)
		}
		dst = dst[n:]
	}
}
