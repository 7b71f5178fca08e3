//go:build !purego

package cpu

import "golang.org/x/sys/cpu"

// holder is what has a level.
const holder = "this processor"

func detect() Level {
	x := cpu.X86
	switch {
	case !x.HasAVX2 || !x.HasFMA || !x.HasBMI2:
		return Portable
	case !x.HasAVX512F || !x.HasAVX512VL || !x.HasAVX512DQ || !x.HasAVX512BW:
		return AVX2
	case !x.HasAVX512IFMA:
		return AVX512
	}
	return IFMA
}
