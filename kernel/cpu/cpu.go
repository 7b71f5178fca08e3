// Package cpu says which vector instructions the kernels may use. It looks at
// the processor once, at start; the environment variable QTOOL_CPU narrows what
// it finds: "portable" for pure Go, "avx2" for no AVX-512.
package cpu

import (
	"fmt"
	"os"

	"golang.org/x/sys/cpu"
)

// Level is a set of vector instructions; a greater one includes the smaller.
type Level int

// The levels. AVX2 means AVX2 with FMA3; AVX512 means F, VL, DQ and BW; IFMA
// adds the 52-bit integer multiply-add.
const (
	Portable Level = iota
	AVX2
	AVX512
	IFMA
)

// Variable is the environment variable that narrows the level.
const Variable = "QTOOL_CPU"

// String is the name that Variable takes.
func (l Level) String() string { return [...]string{"portable", "avx2", "avx512", "ifma"}[l] }

// Detected is what the processor has.
var Detected = detect()

// Active is what kernels use: Detected, or less if Variable says so.
var Active, activeErr = narrow(Detected, os.Getenv(Variable))

// Err says why Variable's value could not be followed: it is unknown, or more
// than the processor has. Active is then Portable.
func Err() error { return activeErr }

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

func narrow(have Level, name string) (Level, error) {
	if name == "" {
		return have, nil
	}
	for l := Portable; l <= IFMA; l++ {
		if l.String() != name {
			continue
		}
		if l > have {
			return Portable, fmt.Errorf("%s=%s: this processor has %s at most", Variable, name, have)
		}
		return l, nil
	}
	return Portable, fmt.Errorf("%s=%q is unknown: want portable, avx2, avx512 or ifma", Variable, name)
}
