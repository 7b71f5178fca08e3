package isa

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"qtool/kernel/cpu"
)

var (
	textLine = regexp.MustCompile(`^TEXT\s+·(\w+)(<>)?(<ABI\w+>)?\(SB\)`)
	// symbol is an operand like name+8(FP) or table<>+4(SB), whose name is no register.
	symbol    = regexp.MustCompile(`[\w·<>]+([+-]\d+)?\((FP|SB)\)`)
	vector    = regexp.MustCompile(`\b([XYZ])([0-9]|[12][0-9]|3[01])\b`)
	maskName  = regexp.MustCompile(`\bK[0-7]\b`)
	labelLine = regexp.MustCompile(`^\w+:`)
)

// Text is what CheckText found in a file of assembly.
type Text struct {
	Functions []string // in the order of the file
	Faults    []error  // each with file, line and function
}

// CheckText holds the Go assembly in r, called name in faults, against the levels
// of its functions: registers, mnemonics and their suffixes. Whatever it cannot
// judge is a fault too: functions without a level, macros, bytes in place of
// instructions.
func CheckText(name string, r io.Reader) (Text, error) {
	var t Text
	function, level, known := "", cpu.Portable, false
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		fault := func(format string, args ...any) {
			t.Faults = append(t.Faults, fmt.Errorf("%s:%d: function %s: "+format, append([]any{name, n, function}, args...)...))
		}
		line, _, _ := strings.Cut(lines.Text(), "//")
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") {
			if line != `#include "textflag.h"` {
				fault("%s: macros hide what is assembled", line)
			}
			continue
		}
		if m := textLine.FindStringSubmatch(line); m != nil {
			var err error
			function = m[1]
			t.Functions = append(t.Functions, function)
			level, err = LevelOf(function)
			if known = err == nil; !known {
				t.Faults = append(t.Faults, fmt.Errorf("%s:%d: %w", name, n, err))
			}
			continue
		}
		for statement := range strings.SplitSeq(line, ";") {
			statement = strings.TrimSpace(labelLine.ReplaceAllString(strings.TrimSpace(statement), ""))
			mnemonic, operands, _ := strings.Cut(strings.ReplaceAll(statement, "\t", " "), " ")
			switch {
			case mnemonic == "" || mnemonic == "DATA" || mnemonic == "GLOBL":
			case function == "":
				fault("%s stands outside of a function", mnemonic)
			case known:
				for _, f := range statementFaults(level, mnemonic, operands) {
					fault("%s: %s", statement, f)
				}
			}
		}
	}
	return t, lines.Err()
}

// statementFaults says what a level lacks of an instruction.
func statementFaults(level cpu.Level, mnemonic, operands string) []string {
	var faults []string
	base, suffixes, _ := strings.Cut(mnemonic, ".")
	switch first, ok := mnemonics[base]; {
	case !ok:
		faults = append(faults, "the mnemonic is in no level")
	case first > level:
		faults = append(faults, fmt.Sprintf("the mnemonic is of level %v, the function of %v", first, level))
	}
	if suffixes != "" && level < cpu.AVX512 {
		faults = append(faults, fmt.Sprintf("suffix .%s needs EVEX, which %v lacks", suffixes, level))
	}
	operands = symbol.ReplaceAllString(operands, "")
	for _, m := range vector.FindAllStringSubmatch(operands, -1) {
		index, err := strconv.Atoi(m[2])
		if err != nil {
			panic(err) // the pattern has digits only
		}
		switch {
		case index >= VectorRegisters(level),
			m[1] == "Z" && level < cpu.AVX512,
			m[1] == "Y" && level < cpu.AVX2:
			faults = append(faults, fmt.Sprintf("register %s is not of %v", m[0], level))
		}
	}
	if m := maskName.FindString(operands); m != "" && level < cpu.AVX512 {
		faults = append(faults, fmt.Sprintf("mask register %s is not of %v", m, level))
	}
	return faults
}
