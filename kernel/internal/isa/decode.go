package isa

import "fmt"

// Encoding is how an instruction begins.
type Encoding uint8

// The encodings. In 64-bit mode the bytes C4 and C5 always begin VEX, and 62 EVEX.
const (
	Legacy Encoding = iota
	VEX
	EVEX
)

// String is the usual name.
func (e Encoding) String() string { return [...]string{"legacy", "VEX", "EVEX"}[e] }

// Instruction is what Decode finds out.
type Instruction struct {
	Encoding Encoding
	Map      int  // of opcodes: 0 one byte, 1 0F, 2 0F38, 3 0F3A
	Prefix   int  // that selects the operation: 0 none, 1 66, 2 F3, 3 F2
	W        int  // bit W of REX, VEX or EVEX
	Opcode   byte // the last byte of it
	ModRM    byte // or 0 if there is none
	Len      int  // in bytes
}

// longest is what a processor takes for an instruction at most.
const longest = 15

// Decode reads the first instruction of code, in 64-bit mode. It finds lengths and
// opcodes, not operands. It returns an error for bytes that are no instruction, or
// one of extensions that no level has: XOP and 3DNow.
//
// Reference: Intel 64 and IA-32 Architectures Software Developer's Manual,
// volume 2, chapter 2 and appendix A.
func Decode(code []byte) (Instruction, error) {
	d := decoder{code: code}
	d.prefixes()
	switch first := d.next(); {
	case first == 0xc5:
		p := d.next()
		d.i.Encoding, d.i.Map, d.i.Prefix = VEX, 1, int(p&3)
		d.vector()
	case first == 0xc4:
		p, q := d.next(), d.next()
		d.i.Encoding, d.i.Map, d.i.Prefix, d.i.W = VEX, int(p&31), int(q&3), int(q>>7)
		d.vector()
	case first == 0x62:
		p, q := d.next(), d.next()
		d.next()
		d.i.Encoding, d.i.Map, d.i.Prefix, d.i.W = EVEX, int(p&7), int(q&3), int(q>>7)
		d.vector()
	case first == 0x0f:
		d.escaped()
	default:
		d.oneByte(first)
	}
	if d.short || d.at > longest {
		return Instruction{}, fmt.Errorf("% x is cut or too long", code[:min(len(code), longest)])
	}
	if d.bad {
		return Instruction{}, fmt.Errorf("% x is no known instruction", code[:d.at])
	}
	d.i.Len = d.at
	return d.i, nil
}

// decoder steps through the bytes of an instruction.
type decoder struct {
	code              []byte
	at                int
	i                 Instruction
	operand16, addr32 bool // prefixes 66 and 67
	short, bad        bool
}

// next is the next byte, 0 behind the end.
func (d *decoder) next() byte {
	d.at++
	if d.at > len(d.code) {
		d.short = true
		return 0
	}
	return d.code[d.at-1]
}

func (d *decoder) prefixes() {
	for d.at < len(d.code) {
		switch p := d.code[d.at]; {
		case p == 0x66:
			d.operand16 = true
			if d.i.Prefix == 0 {
				d.i.Prefix = 1
			}
		case p == 0xf3:
			d.i.Prefix = 2
		case p == 0xf2:
			d.i.Prefix = 3
		case p == 0x67:
			d.addr32 = true
		case p == 0xf0, p == 0x2e, p == 0x36, p == 0x3e, p == 0x26, p == 0x64, p == 0x65:
		case p&0xf0 == 0x40: // REX is the last
			d.i.W = int(p >> 3 & 1)
			d.at++
			return
		default:
			return
		}
		d.at++
	}
}

// operand is the size of an immediate operand of at most 32 bits.
func (d *decoder) operand() int {
	if d.operand16 && d.i.W == 0 {
		return 2
	}
	return 4
}

// modRM reads the byte that names registers and memory, with what belongs to it.
func (d *decoder) modRM() {
	m := d.next()
	d.i.ModRM = m
	mod, rm := m>>6, m&7
	if mod == 3 {
		return
	}
	base := rm
	if rm == 4 {
		base = d.next() & 7
	}
	switch {
	case mod == 1:
		d.at++
	case mod == 2, mod == 0 && base == 5:
		d.at += 4
	}
	d.short = d.short || d.at > len(d.code)
}

// skip passes over n bytes of an immediate operand.
func (d *decoder) skip(n int) {
	d.at += n
	d.short = d.short || d.at > len(d.code)
}

// vector reads what follows a VEX or EVEX prefix.
func (d *decoder) vector() {
	d.i.Opcode = d.next()
	if d.i.Encoding == VEX && d.i.Map == 1 && d.i.Opcode == 0x77 { // VZEROUPPER
		return
	}
	d.modRM()
	switch d.i.Map {
	case 1:
		if hasByte(d.i.Opcode) {
			d.skip(1)
		}
	case 2:
	case 3:
		d.skip(1)
	default:
		d.bad = true
	}
}

// hasByte says which instructions of map 0F take an immediate byte, the ones that
// vector encodings share.
func hasByte(opcode byte) bool {
	return opcode >= 0x70 && opcode <= 0x73 || opcode == 0xc2 || opcode >= 0xc4 && opcode <= 0xc6
}

// escaped reads what follows 0F.
func (d *decoder) escaped() {
	op := d.next()
	d.i.Map, d.i.Opcode = 1, op
	switch {
	case op == 0x38:
		d.i.Map, d.i.Opcode = 2, d.next()
		d.modRM()
	case op == 0x3a:
		d.i.Map, d.i.Opcode = 3, d.next()
		d.modRM()
		d.skip(1)
	case op >= 0x80 && op <= 0x8f:
		d.skip(4) // jumps keep 32 bits
	case op >= 0x05 && op <= 0x09, op == 0x0b, op >= 0x30 && op <= 0x37, op == 0x77,
		op >= 0xa0 && op <= 0xa2, op >= 0xa8 && op <= 0xaa, op >= 0xc8 && op <= 0xcf:
	case op == 0x04, op == 0x0a, op == 0x0c, op == 0x0e, op == 0x0f, op >= 0x24 && op <= 0x27, op == 0x36, op == 0x39,
		op >= 0x3b && op <= 0x3f, op == 0x7a, op == 0x7b, op == 0xa6, op == 0xa7:
		d.bad = true
	default:
		d.modRM()
		if hasByte(op) || op == 0xa4 || op == 0xac || op == 0xba {
			d.skip(1)
		}
	}
}
