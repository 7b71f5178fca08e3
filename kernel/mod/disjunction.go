package mod

import "qtool/kernel/cpu"

// Disjunction is the word with all bits that any word of x has. level is the level of
// the kernels to use.
func Disjunction(level cpu.Level, x []uint64) uint64 {
	var a, b, c, d uint64
	if n := len(x) / 16; n > 0 && level >= cpu.AVX2 {
		a = disjunctionAVX2(&x[0], uint64(n))
		x = x[16*n:]
	}
	for ; len(x) >= 4; x = x[4:] {
		a, b, c, d = a|x[0], b|x[1], c|x[2], d|x[3]
	}
	for _, w := range x {
		a |= w
	}
	return a | b | c | d
}
