package isa

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"qtool/kernel/cpu"
)

//go:embed opcodes.txt
var opcodeText string

// operation identifies an instruction of a vector encoding.
type operation struct {
	encoding       Encoding
	mapped, prefix int
	w              int
	opcode         byte
}

// operations has the first level of every known one.
var operations = parseOperations(opcodeText)

func parseOperations(text string) map[operation]cpu.Level {
	all := map[operation]cpu.Level{}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		var level, encoding string
		var o operation
		head, opcodes, _ := strings.Cut(line, ":")
		if _, err := fmt.Sscan(head, &level, &encoding, &o.mapped, &o.prefix, &o.w); err != nil {
			panic(fmt.Sprintf("isa: %q: %v", line, err)) // a table of this package
		}
		o.encoding = map[string]Encoding{"vex": VEX, "evex": EVEX}[encoding]
		for _, x := range strings.Fields(opcodes) {
			b, err := strconv.ParseUint(x, 16, 8)
			if err != nil {
				panic(fmt.Sprintf("isa: %q: %v", line, err))
			}
			o.opcode = byte(b)
			all[o] = levelNamed(level)
		}
	}
	return all
}

// CheckCode holds the machine code of a function against a level, from the first
// byte to the last. The error names the offset and the bytes of the first
// instruction that the level lacks.
func CheckCode(level cpu.Level, code []byte) error {
	return eachInstruction(code, func(i Instruction) string { return lacks(level, i) })
}

// CheckCompiled is CheckCode for what Go's compiler made: it may ask the processor
// for SSE4.1, POPCNT and the like before it uses them, but has no vectors beyond.
// The error names the first instruction in a vector encoding.
func CheckCompiled(code []byte) error {
	return eachInstruction(code, func(i Instruction) string {
		if i.Encoding == Legacy {
			return ""
		}
		return fmt.Sprintf("%v in compiled code", i.Encoding)
	})
}

func eachInstruction(code []byte, fault func(Instruction) string) error {
	for at := 0; at < len(code); {
		i, err := Decode(code[at:])
		if err != nil {
			return fmt.Errorf("at byte %d: %w", at, err)
		}
		if f := fault(i); f != "" {
			return fmt.Errorf("at byte %d: % x: %s", at, code[at:at+i.Len], f)
		}
		at += i.Len
	}
	return nil
}

// lacks says why a level has no instruction i, and is empty if it has.
func lacks(level cpu.Level, i Instruction) string {
	if i.Encoding == Legacy {
		if beyondSSE2(i) {
			return "an extension in the legacy encoding that no level asks for"
		}
		return ""
	}
	if least := map[Encoding]cpu.Level{VEX: cpu.AVX2, EVEX: cpu.AVX512}[i.Encoding]; level < least {
		return fmt.Sprintf("%v, which %v lacks", i.Encoding, level)
	}
	first, ok := operations[operation{i.Encoding, i.Map, i.Prefix, i.W, i.Opcode}]
	switch {
	case !ok:
		return fmt.Sprintf("an instruction in %v that no level has", i.Encoding)
	case first > level:
		return fmt.Sprintf("an instruction in %v of level %v", i.Encoding, first)
	}
	return ""
}

// beyondSSE2 says which instructions in the legacy encoding are of extensions that
// not every amd64 processor has: SSE3 to SSE4.2, POPCNT, LZCNT, BMI1, AES, SHA,
// CMPXCHG16B, random numbers, and system registers.
func beyondSSE2(i Instruction) bool {
	const p66, pF3, pF2 = 1, 2, 3
	switch {
	case i.Map >= 2:
		return true
	case i.Map == 0:
		return false
	}
	switch i.Opcode {
	case 0x12: // MOVSLDUP, MOVDDUP
		return i.Prefix == pF3 || i.Prefix == pF2
	case 0x16: // MOVSHDUP
		return i.Prefix == pF3
	case 0x2b: // MOVNTSS, MOVNTSD
		return i.Prefix == pF3 || i.Prefix == pF2
	case 0x7c, 0x7d, 0xd0, 0x78, 0x79: // HADDPS, HSUBPS, ADDSUBPS, EXTRQ, INSERTQ
		return true
	case 0xb8, 0xbc, 0xbd: // POPCNT, TZCNT, LZCNT
		return i.Prefix == pF3
	case 0xf0: // LDDQU
		return i.Prefix == pF2
	case 0x01: // XGETBV, RDTSCP and others between registers
		return i.ModRM>>6 == 3
	case 0xae: // RDFSBASE and others with F3, CLFLUSHOPT and CLWB with 66
		return i.Prefix == pF3 || i.Prefix == p66
	case 0xc7: // CMPXCHG16B, RDRAND, RDSEED
		return i.ModRM>>3&7 != 1 || i.W == 1
	}
	return false
}
