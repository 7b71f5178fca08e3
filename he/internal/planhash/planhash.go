// Package planhash hashes canonical descriptions of plans.
package planhash

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
)

// version counts changes of what plan hashes are made of.
const version = 1

// Hash is the SHA-256 of a plan's description: of named lists of numbers and texts, in
// an order that each back end keeps. Lists carry their lengths and kinds, so that no
// two descriptions are the same bytes.
type Hash struct{ sum hash.Hash }

// New begins the description of a plan of a back end.
func New(backend string) *Hash {
	h := &Hash{sha256.New()}
	h.text("qtool plan")
	h.word(version)
	h.text(backend)
	return h
}

// Texts adds a list of texts.
func (h *Hash) Texts(name string, list ...string) *Hash {
	h.begin(name, 't', len(list))
	for _, s := range list {
		h.text(s)
	}
	return h
}

// Ints adds a list of integers.
func (h *Hash) Ints(name string, list ...int) *Hash {
	h.begin(name, 'i', len(list))
	for _, v := range list {
		h.word(uint64(v))
	}
	return h
}

// Words adds a list of residues, moduli or other words.
func (h *Hash) Words(name string, list ...uint64) *Hash {
	h.begin(name, 'w', len(list))
	for _, v := range list {
		h.word(v)
	}
	return h
}

// Values adds what fmt prints of values that have one text each: integers of any
// size, ranges, lists of integers.
func (h *Hash) Values(name string, list ...any) *Hash {
	h.begin(name, 'v', len(list))
	for _, v := range list {
		h.text(fmt.Sprint(v))
	}
	return h
}

// Sum ends the description.
func (h *Hash) Sum() [32]byte { return [32]byte(h.sum.Sum(nil)) }

func (h *Hash) begin(name string, kind byte, n int) {
	h.text(name)
	h.sum.Write([]byte{kind})
	h.word(uint64(n))
}

func (h *Hash) text(s string) {
	h.word(uint64(len(s)))
	h.sum.Write([]byte(s))
}

func (h *Hash) word(v uint64) { h.sum.Write(binary.LittleEndian.AppendUint64(nil, v)) }
