package sample

import (
	"bytes"
	"encoding/binary"
	"testing"

	"qtool/kernel/cpu"
)

// holds reports whether the stream's state has one of the words, of which each is
// of 64 uniform bits.
func holds(s *Stream, words []uint64) bool {
	memory := append(bytes.Clone(s.key[:]), s.buffer[:]...)
	for _, w := range words {
		if bytes.Contains(memory, binary.LittleEndian.AppendUint64(nil, w)) {
			return true
		}
	}
	return false
}

// What was handed out is not in the stream's memory afterwards, within a buffer
// and across refills.
func TestHandedOutWordsAreCleared(t *testing.T) {
	s := NewStream(Seed{20})
	first := make([]uint64, 9)
	s.Words(first)
	if holds(s, first) {
		t.Error("words are still there")
	}
	if next := binary.LittleEndian.Uint64(s.buffer[s.next:]); !holds(s, []uint64{next}) {
		t.Error("the search does not find a word that is there")
	}
	many := make([]uint64, len(s.buffer)/8+100)
	s.Words(many)
	if holds(s, many) {
		t.Error("words are still there after a refill")
	}
	seed := s.Seed()
	if bytes.Contains(s.buffer[:], seed[:8]) {
		t.Error("a seed is still there")
	}
	narrow := make([]uint32, 11)
	s.Words32(narrow)
	var pairs []uint64
	for i := 1; i < len(narrow); i += 2 {
		pairs = append(pairs, uint64(narrow[i-1])|uint64(narrow[i])<<32)
	}
	if holds(s, pairs) {
		t.Error("words of 32 bits are still there")
	}
	for i, b := range s.buffer[:s.next] {
		if b != 0 {
			t.Fatalf("byte %d of what was handed out is %d", i, b)
		}
	}
}

// Reset and Close clear what was drawn ahead; Reset the key too.
func TestResetAndClose(t *testing.T) {
	for name, end := range map[string]func(*Stream){
		"reset": func(s *Stream) { s.Reset(Seed{1}) },
		"close": (*Stream).Close,
	} {
		s := NewStream(Seed{21})
		s.Words(make([]uint64, 3))
		key := s.key
		end(s)
		if s.key == key || s.buffer != (state{}).buffer || s.next != len(s.buffer) {
			t.Errorf("%s leaves what the stream held", name)
		}
	}
}

// A closed stream gives nothing, rather than words that anyone can guess.
func TestClosedStreamPanics(t *testing.T) {
	for name, draw := range map[string]func(*Stream){
		"words": func(s *Stream) { s.Words(make([]uint64, 1)) }, "words of 32 bits": func(s *Stream) { s.Words32(make([]uint32, 1)) },
		"seed": func(s *Stream) { s.Seed() }, "ternary": func(s *Stream) { s.Ternary(make([]int8, 1)) },
	} {
		s := NewStream(Seed{23})
		s.Close()
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s come from a closed stream", name)
				}
			}()
			draw(s)
		}()
		s.Reset(Seed{23})
		draw(s)
	}
}

// The words that errors were made of are not left with the caller.
func TestGaussianClearsItsScratch(t *testing.T) {
	e, scratch := make([]int64, 100), make([]uint64, 120)
	for i := range scratch {
		scratch[i] = 7
	}
	NewStream(Seed{22}).Gaussian(cpu.Active, e, scratch)
	for i, w := range scratch {
		if want := uint64(0); i < len(e) && w != want || i >= len(e) && w != 7 {
			t.Fatalf("word %d is %d", i, w)
		}
	}
}
