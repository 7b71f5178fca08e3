package sample

import (
	"crypto/sha256"
	"encoding/binary"
)

// Derived is the seed of stream number index of what label names:
//
//	SHA-256("qtool " label 0x00 seed index)
//
// with the index as 8 bytes, little endian. A public seed in an object stands so for all
// the uniform polynomials in it: each is a Stream of its own, and whoever reads the object
// makes the same ones. label must not contain a zero byte.
func Derived(seed Seed, label string, index uint64) Seed {
	b := append([]byte("qtool "), label...)
	b = append(b, 0)
	b = append(b, seed[:]...)
	defer clear(b[:cap(b)])
	return sha256.Sum256(binary.LittleEndian.AppendUint64(b, index))
}
