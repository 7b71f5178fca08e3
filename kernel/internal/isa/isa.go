// Package isa says which machine code a level of the processor may have: how
// many vector registers, which mnemonics, which encodings. The generator of the
// assembly uses it to refuse what a level lacks, and tests hold all assembly of
// this module against it, as text and as bytes.
//
// The level of an assembly function is the end of its name: splitAVX512,
// sums4AVX2, or productAVX2_6x2 for a tile of 6 x 2. A function without one has
// no level, which is an error.
package isa

import (
	"fmt"
	"regexp"

	"qtool/kernel/cpu"
)

// suffixes are the ends of names, by level.
var suffixes = map[string]cpu.Level{"SSE2": cpu.Portable, "AVX2": cpu.AVX2, "AVX512": cpu.AVX512, "IFMA": cpu.IFMA}

var suffix = regexp.MustCompile(`(SSE2|AVX2|AVX512|IFMA)(_[0-9]+x[0-9]+)?$`)

// LevelOf is the level that a function's name states. A name that ends in SSE2 is
// code for every amd64 processor, the level of portable Go.
func LevelOf(function string) (cpu.Level, error) {
	m := suffix.FindStringSubmatch(function)
	if m == nil {
		return 0, fmt.Errorf("function %s: the name has no level at its end: want SSE2, AVX2, AVX512 or IFMA", function)
	}
	return suffixes[m[1]], nil
}

// VectorRegisters is how many vector registers instructions of a level can name:
// 16 for the VEX encoding and the ones before it, 32 for EVEX.
func VectorRegisters(l cpu.Level) int {
	if l >= cpu.AVX512 {
		return 32
	}
	return 16
}

// Features are the instruction set extensions that cpu.Detected has checked for a
// level, by the names of the generator's instruction tables. Every amd64 processor
// has the features of cpu.Portable.
func Features(l cpu.Level) map[string]bool {
	has := map[string]bool{}
	for level, names := range [][]string{
		cpu.Portable: {"CMOV", "MMX", "SSE", "SSE2"},
		cpu.AVX2:     {"AVX", "AVX2", "FMA3", "BMI2"},
		cpu.AVX512:   {"AVX512F", "AVX512VL", "AVX512DQ", "AVX512BW"},
		cpu.IFMA:     {"AVX512IFMA"},
	} {
		for _, n := range names {
			has[n] = level <= int(l) || has[n]
		}
	}
	return has
}
