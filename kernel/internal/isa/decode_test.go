package isa

import (
	"bytes"
	"encoding/hex"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Lengths and opcodes, as GNU objdump 2.40 has them.
func TestDecode(t *testing.T) {
	for _, c := range []struct {
		code string
		want Instruction
	}{
		{"c3", Instruction{Opcode: 0xc3}},                                                                     // ret
		{"4883ec18", Instruction{W: 1, Opcode: 0x83, ModRM: 0xec}},                                            // sub rsp, 24
		{"48b8ffffffffffff0f00", Instruction{W: 1, Opcode: 0xb8}},                                             // movabs rax, 2^52-1
		{"66c7440a08feff", Instruction{Prefix: 1, Opcode: 0xc7, ModRM: 0x44}},                                 // mov word [rdx+rcx+8], -2
		{"f60501000000ff", Instruction{Opcode: 0xf6, ModRM: 0x05}},                                            // test byte [rip+1], 255
		{"f7d8", Instruction{Opcode: 0xf7, ModRM: 0xd8}},                                                      // neg eax
		{"48a10102030405060708", Instruction{W: 1, Opcode: 0xa1}},                                             // movabs rax, [...]
		{"48690c2500010000e8030000", Instruction{W: 1, Opcode: 0x69, ModRM: 0x0c}},                            // imul rcx, [256], 1000
		{"0f84fb000000", Instruction{Map: 1, Opcode: 0x84}},                                                   // je
		{"f3480fb8c1", Instruction{Map: 1, Prefix: 2, W: 1, Opcode: 0xb8, ModRM: 0xc1}},                       // popcnt rax, rcx
		{"660f3a0ec107", Instruction{Map: 3, Prefix: 1, Opcode: 0x0e, ModRM: 0xc1}},                           // pblendw
		{"660f383fc1", Instruction{Map: 2, Prefix: 1, Opcode: 0x3f, ModRM: 0xc1}},                             // pmaxud
		{"c5f877", Instruction{Encoding: VEX, Map: 1, Opcode: 0x77}},                                          // vzeroupper
		{"c5fd70c01b", Instruction{Encoding: VEX, Map: 1, Prefix: 1, Opcode: 0x70, ModRM: 0xc0}},              // vpshufd
		{"c4e27d584010", Instruction{Encoding: VEX, Map: 2, Prefix: 1, Opcode: 0x58, ModRM: 0x40}},            // vpbroadcastd
		{"c4e3fd00c0d8", Instruction{Encoding: VEX, Map: 3, Prefix: 1, W: 1, Opcode: 0x00, ModRM: 0xc0}},      // vpermq
		{"62f1fd48ef4401ff", Instruction{Encoding: EVEX, Map: 1, Prefix: 1, W: 1, Opcode: 0xef, ModRM: 0x44}}, // vpxorq [rcx+rax-64]
		{"62f2f550b4850c000000", Instruction{Encoding: EVEX, Map: 2, Prefix: 1, W: 1, Opcode: 0xb4, ModRM: 0x85}},
		{"62f3fd481ec901", Instruction{Encoding: EVEX, Map: 3, Prefix: 1, W: 1, Opcode: 0x1e, ModRM: 0xc9}}, // vpcmpuq
	} {
		code, err := hex.DecodeString(c.code)
		if err != nil {
			t.Fatal(err)
		}
		c.want.Len = len(code)
		if got, err := Decode(append(code, 0xcc, 0xcc)); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.code, got, err, c.want)
		}
		for n := range code {
			if got, err := Decode(code[:n]); err == nil {
				t.Errorf("%s cut to %d bytes is %+v", c.code, n, got)
			}
		}
	}
	// The first bytes of these are of no use in 64-bit mode, or of XOP and 3DNow.
	for _, code := range []string{"06", "60", "9a", "d6", "ea", "8fe878c0c001", "0f0fc09a", "0f04", "c4e47d58c0", "62f07d48efc0", "66666666666666666666666666666690"} {
		b, err := hex.DecodeString(code)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode(append(b, make([]byte, 16)...)); err == nil {
			t.Errorf("%s is %+v", code, got)
		}
	}
}

// Any bytes are an instruction of 1 to 15 of them, or an error.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0x62, 0xf1, 0xfd, 0x48, 0xef, 0x44, 0x01, 0xff})
	f.Add([]byte{0xc4, 0xe3, 0xfd, 0x00, 0xc0, 0xd8})
	f.Add([]byte{0x66, 0xf3, 0x48, 0x0f, 0xb8, 0xc1})
	f.Fuzz(func(t *testing.T, code []byte) {
		i, err := Decode(code)
		if err == nil && (i.Len < 1 || i.Len > longest || i.Len > len(code)) || err != nil && i != (Instruction{}) {
			t.Errorf("% x is %+v, %v", code, i, err)
		}
	})
}

// Decode splits whole programs, the Go runtime included, like GNU objdump.
func TestDecodeAgreesWithObjdump(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a million instructions apart")
	}
	objdump, err := exec.LookPath("objdump")
	if err != nil {
		t.Skip("objdump is not installed")
	}
	for _, folder := range []string{"kernel/f32", "kernel/mod"} {
		file := program(t, filepath.Join(root, folder), "test", "-c")
		out, err := exec.Command(objdump, "-d", "-w", "-j", ".text", file).Output()
		if err != nil {
			t.Skipf("this objdump does not read programs for amd64: %v", err)
		}
		functions, err := Functions(file)
		if err != nil {
			t.Fatal(err)
		}
		compared := compareSplits(t, functions, out)
		if compared < 100_000 {
			t.Errorf("%s: compared %d instructions only", folder, compared)
		}
	}
}

var (
	dumpedFunction    = regexp.MustCompile(`^[0-9a-f]+ <(.*)>:$`)
	dumpedInstruction = regexp.MustCompile(`^ *([0-9a-f]+):\t([0-9a-f ]+)\t`)
)

// compareSplits holds the instructions that objdump printed against Decode, and
// returns how many there were.
func compareSplits(t *testing.T, functions map[string][]byte, dump []byte) int {
	t.Helper()
	name, at, compared, faults := "", 0, 0, 0
	for line := range bytes.Lines(dump) {
		text := strings.TrimRight(string(line), "\n")
		if m := dumpedFunction.FindStringSubmatch(text); m != nil {
			name, at = m[1], 0
			continue
		}
		m := dumpedInstruction.FindStringSubmatch(text)
		if m == nil || at >= len(functions[name]) { // padding behind the function
			continue
		}
		if _, err := strconv.ParseUint(m[1], 16, 64); err != nil {
			t.Fatal(err)
		}
		want := len(strings.Fields(m[2]))
		got, err := Decode(functions[name][at:])
		if (err != nil || got.Len != want) && faults < 20 {
			faults++
			t.Errorf("%s, byte %d: %+v, %v; objdump: %q", name, at, got, err, text)
		}
		at += want
		compared++
	}
	return compared
}
