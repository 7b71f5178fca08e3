// Package cpu says which vector instructions the kernels may use. It looks at
// the processor once, at start; the environment variable QTOOL_CPU narrows what
// it finds: "portable" for pure Go, "avx2" for no AVX-512. QTOOL_REQUIRE names a
// level that has to be there: without it commands and tests fail.
//
// Built with the tag purego, and for processors other than amd64, there are no
// vector instructions.
package cpu

import (
	"fmt"
	"os"
)

// Level is a set of vector instructions; a greater one includes the smaller.
type Level int

// The levels. AVX2 means AVX2 with FMA3 and BMI2; AVX512 means F, VL, DQ and BW;
// IFMA adds the 52-bit integer multiply-add.
const (
	Portable Level = iota
	AVX2
	AVX512
	IFMA
)

// Variable is the environment variable that narrows the level, and
// RequireVariable the one that names a level which must not be missing.
const (
	Variable        = "QTOOL_CPU"
	RequireVariable = "QTOOL_REQUIRE"
)

// String is the name that the variables take.
func (l Level) String() string { return [...]string{"portable", "avx2", "avx512", "ifma"}[l] }

// Detected is what the processor has.
var Detected = detect()

// Active is what kernels use: Detected, or less if Variable says so.
var Active, activeErr = among(Detected, Variable, os.Getenv(Variable), Detected)

// Required is the level that RequireVariable names, Portable if it names none.
var Required, requiredErr = among(Detected, RequireVariable, os.Getenv(RequireVariable), Portable)

// VariableError says why the value of an environment variable cannot be followed.
type VariableError struct {
	Variable string // its name
	why      string
}

// Error names variable, value and what it could be.
func (e *VariableError) Error() string { return e.Variable + e.why }

// Err is a *VariableError if the value of Variable, or else of RequireVariable, is
// unknown or more than the processor has. Active or Required is then Portable.
func Err() error {
	if activeErr != nil {
		return activeErr
	}
	return requiredErr
}

// among is the level that a variable's value names, at most have, and otherwise
// where it is empty.
func among(have Level, variable, value string, otherwise Level) (Level, error) {
	if value == "" {
		return otherwise, nil
	}
	for l := Portable; l <= IFMA; l++ {
		if l.String() != value {
			continue
		}
		if l > have {
			return Portable, &VariableError{variable, fmt.Sprintf("=%s: %s has %s at most", value, holder, have)}
		}
		return l, nil
	}
	return Portable, &VariableError{variable, fmt.Sprintf("=%q is unknown: want portable, avx2, avx512 or ifma", value)}
}
