// Package edits changes bytes by short scripts: what fuzz targets of large formats
// take in place of the bytes themselves. A script of a few bytes reaches every
// place of a file that is right otherwise, so that what lies behind its first
// checks is reached too; and the fuzzing engine, which shortens what it finds in
// time that grows with the square of its length, is done with it at once.
package edits

import (
	"bytes"
	"encoding/binary"
)

// Max is the length up to which scripts are used: 16 steps.
const Max = 16 * step

// step is the bytes of one edit: operation, place, and a value.
const step = 5

// Apply changes a copy of b as a script says, of which what is behind Max, and an
// incomplete step at the end, do nothing. An edit is
//
//	byte 0      the operation, modulo 8
//	bytes 1, 2  the place, little endian, in 1/2^16 of the length
//	bytes 3, 4  a value, or a number of a word
//
// and it sets a byte, changes a bit, adds to a byte, sets eight bytes to a small or
// a large number, cuts off the end, takes a piece out, doubles a piece, or puts one
// of the words in.
func Apply(b, script []byte, words ...string) []byte {
	b = bytes.Clone(b)
	for s := script[:min(len(script), Max)]; len(s) >= step; s = s[step:] {
		at := int(binary.LittleEndian.Uint16(s[1:])) * len(b) >> 16
		value := int(binary.LittleEndian.Uint16(s[3:]))
		if len(b) == 0 {
			return b
		}
		piece := b[at:min(at+value%64+1, len(b))]
		switch s[0] % 8 {
		case 0:
			b[at] = byte(value)
		case 1:
			b[at] ^= 1 << (value % 8)
		case 2:
			b[at] += byte(value)
		case 3:
			var eight [8]byte
			binary.LittleEndian.PutUint64(eight[:], uint64(value&255)<<(value>>8%64))
			copy(b[at:], eight[:])
		case 4:
			b = b[:at]
		case 5:
			b = append(b[:at:at], b[at+len(piece):]...)
		case 6:
			b = append(b[:at+len(piece):at+len(piece)], b[at:]...)
		case 7:
			if len(words) > 0 {
				word := words[value%len(words)]
				b = append(append(b[:at:at], word...), b[at:]...)
			}
		}
	}
	return b
}
