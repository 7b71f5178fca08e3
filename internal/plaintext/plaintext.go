// Package plaintext reads the bytes of text files as people's editors save them.
package plaintext

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrUTF16 and ErrUTF32 mark a file in another encoding of Unicode.
var (
	ErrUTF16 = errors.New("saved as UTF-16: save as UTF-8 (PowerShell: Out-File -Encoding utf8)")
	ErrUTF32 = errors.New("saved as UTF-32: save as UTF-8")
)

var mark = []byte{0xef, 0xbb, 0xbf}

// Trim returns b without the UTF-8 byte order mark that it may begin with. It
// shares b's memory, and does not look at what follows the mark.
func Trim(b []byte) []byte { return bytes.TrimPrefix(b, mark) }

// UTF8 returns b without the byte order mark that it may begin with; one mark, no
// more. It returns ErrUTF16 or ErrUTF32 where the first bytes say that b is
// encoded so, with a mark or without, and an error that names the line and the
// byte within it, both from 1, where b is not UTF-8.
func UTF8(b []byte) ([]byte, error) {
	if err := wide(b); err != nil {
		return nil, err
	}
	b = Trim(b)
	if bytes.HasPrefix(b, mark) {
		return nil, errors.New("it begins with two byte order marks: leave one out")
	}
	if utf8.Valid(b) {
		return b, nil
	}
	line, start := 1, 0
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			return nil, fmt.Errorf("line %d, byte %d: it is not UTF-8 (byte 0x%02x)", line, i-start+1, b[i])
		}
		if i += n; r == '\n' {
			line, start = line+1, i
		}
	}
	return b, nil
}

// wide tells UTF-16 and UTF-32 by their byte order mark, or by the zeros beside
// the first character, which no text has.
func wide(b []byte) error {
	at := func(i int) int {
		if i < len(b) {
			return int(b[i])
		}
		return -1
	}
	zeros := [4]bool{at(0) == 0, at(1) == 0, at(2) == 0, at(3) == 0}
	switch {
	case bytes.HasPrefix(b, []byte{0xff, 0xfe, 0, 0}), bytes.HasPrefix(b, []byte{0, 0, 0xfe, 0xff}),
		zeros == [4]bool{false, true, true, true} && len(b)%4 == 0, zeros == [4]bool{true, true, true, false}:
		return ErrUTF32
	case bytes.HasPrefix(b, []byte{0xff, 0xfe}), bytes.HasPrefix(b, []byte{0xfe, 0xff}),
		zeros == [4]bool{false, true, false, true}, zeros == [4]bool{true, false, true, false}:
		return ErrUTF16
	}
	return nil
}
