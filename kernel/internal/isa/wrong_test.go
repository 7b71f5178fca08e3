package isa

import (
	"strings"
	"testing"
)

// wrong are the functions of testdata/wrong with what is said of their text and of
// their bytes. Only the text states that a function has no level, and only the
// bytes of one that is written in bytes are judged by what they are.
var wrong = map[string][2]string{
	"highAVX2":      {"register Y16 is not of avx2", "EVEX, which avx2 lacks"},
	"evexAVX2":      {"the mnemonic is of level avx512, the function of avx2", "EVEX, which avx2 lacks"},
	"broadcastAVX2": {"suffix .BCST needs EVEX, which avx2 lacks", "EVEX, which avx2 lacks"},
	"maskAVX2":      {"mask register K1 is not of avx2", "EVEX, which avx2 lacks"},
	"zmmAVX2_2x1":   {"register Z1 is not of avx2", "EVEX, which avx2 lacks"},
	"f16cAVX2":      {"the mnemonic is of level avx512, the function of avx2", "an instruction in VEX that no level has"},
	"sse4AVX2":      {"the mnemonic is in no level", "an extension in the legacy encoding that no level asks for"},
	"vexSSE2":       {"the mnemonic is of level avx2, the function of portable", "VEX, which portable lacks"},
	"popcntSSE2":    {"the mnemonic is in no level", "an extension in the legacy encoding that no level asks for"},
	"ifmaAVX512":    {"the mnemonic is of level ifma, the function of avx512", "an instruction in EVEX of level ifma"},
	"vbmiIFMA":      {"the mnemonic is in no level", "an instruction in EVEX that no level has"},
	"vnniIFMA":      {"the mnemonic is in no level", "an instruction in EVEX that no level has"},
	"bytesAVX2":     {"the mnemonic is in no level", "EVEX, which avx2 lacks"},
	"unnamed":       {"the name has no level at its end", ""},
}

// Both checks find every kernel that its level cannot run, on every machine, and
// nothing in those that it can.
func TestWrongKernelsAreFound(t *testing.T) {
	text := readText(t, "testdata/wrong/wrong_amd64.s")
	functions := build(t, "testdata/wrong", "build")
	if len(text.Functions) != len(wrong)+4 {
		t.Errorf("found functions %v", text.Functions)
	}
	for _, name := range text.Functions {
		var said []string
		for _, f := range text.Faults {
			if strings.Contains(f.Error(), "function "+name+":") {
				said = append(said, f.Error())
			}
		}
		want, isWrong := wrong[name]
		if all := strings.Join(said, "\n"); isWrong != (all != "") || !strings.Contains(all, want[0]) {
			t.Errorf("text of %s: faults %q, want %q", name, all, want[0])
		}
		code, ok := machineCode(functions, "main", name)
		if !ok {
			t.Errorf("function %s is not in the program", name)
			continue
		}
		level, err := LevelOf(name)
		if (err == nil) != (name != "unnamed") {
			t.Errorf("level of %s: %v", name, err)
		}
		if err != nil {
			continue
		}
		err = CheckCode(level, code)
		if (err != nil) != isWrong || isWrong && !strings.Contains(err.Error(), want[1]) {
			t.Errorf("bytes of %s: %v, want %q", name, err, want[1])
		}
	}
}

// Text that hides what is assembled is a fault.
func TestHiddenCodeIsFound(t *testing.T) {
	for text, want := range map[string]string{
		"#define X VADDPS Y1, Y2, Y3": "macros hide what is assembled",
		"#include \"kernel.h\"":       "macros hide what is assembled",
		"MOVQ AX, BX":                 "stands outside of a function",
		"TEXT ·fAVX2(SB), NOSPLIT, $0\nagain: VADDPS Y16, Y2, Y3":    "register Y16 is not of avx2",
		"TEXT ·fAVX2(SB), NOSPLIT, $0\nMOVQ AX, BX; VADDPS Z1,Z2,Z3": "register Z1 is not of avx2",
		"TEXT ·fSSE2(SB), NOSPLIT, $0\n\tXYZZY\tAX":                  "the mnemonic is in no level",
	} {
		got, err := CheckText("x.s", strings.NewReader(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if len(got.Faults) == 0 || !strings.Contains(got.Faults[0].Error(), want) {
			t.Errorf("%q: faults %v, want %q", text, got.Faults, want)
		}
	}
	// Names of arguments and tables are no registers.
	got, err := CheckText("x.s", strings.NewReader("TEXT ·fAVX2(SB), NOSPLIT, $0\nMOVQ Z1+8(FP), AX\nVMOVUPS K2<>+32(SB), Y1 // Z3\nRET"))
	if err != nil || len(got.Faults) > 0 {
		t.Errorf("faults %v, error %v", got.Faults, err)
	}
}
