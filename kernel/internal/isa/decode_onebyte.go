package isa

// oneByte reads what follows an opcode of one byte.
func (d *decoder) oneByte(op byte) {
	d.i.Opcode = op
	switch {
	case op < 0x40: // arithmetic, in rows of eight
		d.arithmetic(op & 7)
	case op >= 0x50 && op <= 0x5f, op >= 0x6c && op <= 0x6f, op >= 0x90 && op <= 0x99, op >= 0x9b && op <= 0x9f,
		op >= 0xa4 && op <= 0xa7, op >= 0xaa && op <= 0xaf, op == 0xc3, op == 0xc9, op == 0xcb, op == 0xcc, op == 0xcf, op == 0xd7,
		op >= 0xec && op <= 0xef, op == 0xf1, op == 0xf4, op == 0xf5, op >= 0xf8 && op <= 0xfd:
	case op == 0x63, op >= 0x84 && op <= 0x8e, op >= 0xd0 && op <= 0xd3, op >= 0xd8 && op <= 0xdf, op == 0xfe, op == 0xff:
		d.modRM()
	case op == 0x8f: // POP; other registers in ModRM make it XOP
		d.modRM()
		d.bad = d.i.ModRM>>3&7 != 0
	case op == 0x6b, op == 0x80, op == 0x83, op == 0xc0, op == 0xc1, op == 0xc6:
		d.modRM()
		d.skip(1)
	case op == 0x69, op == 0x81, op == 0xc7:
		d.modRM()
		d.skip(d.operand())
	case op == 0xf6 || op == 0xf7: // only TEST has an immediate operand
		d.modRM()
		if d.i.ModRM>>3&7 < 2 {
			d.skip([]int{1, d.operand()}[op-0xf6])
		}
	case op == 0x6a, op >= 0x70 && op <= 0x7f, op == 0xa8, op >= 0xb0 && op <= 0xb7, op == 0xcd, op >= 0xe0 && op <= 0xe7, op == 0xeb:
		d.skip(1)
	case op == 0x68, op == 0xa9:
		d.skip(d.operand())
	case op == 0xe8, op == 0xe9:
		d.skip(4) // calls and jumps keep 32 bits
	case op >= 0xb8 && op <= 0xbf:
		d.skip(d.operand())
		if d.i.W == 1 {
			d.skip(4)
		}
	case op >= 0xa0 && op <= 0xa3: // an address
		d.skip(4)
		if !d.addr32 {
			d.skip(4)
		}
	case op == 0xc2, op == 0xca:
		d.skip(2)
	case op == 0xc8:
		d.skip(3)
	default:
		d.bad = true
	}
}

// arithmetic reads the operands of ADD to CMP: to and from memory, or of an
// immediate operand and the accumulator.
func (d *decoder) arithmetic(column byte) {
	switch {
	case column < 4:
		d.modRM()
	case column == 4:
		d.skip(1)
	case column == 5:
		d.skip(d.operand())
	default:
		d.bad = true
	}
}
