package recipe

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// MaxBytes bounds a recipe file. The largest that comes with qtool has 3 KB.
const MaxBytes = 64 << 10

// maxLines and maxMarks bound what takes the YAML library time that grows faster
// than the text: keys of one mapping, and brackets and list marks that stand in
// each other, which it takes quadratic time and more for.
const (
	maxLines = 4096
	maxMarks = 2048
)

// bounded refuses text on which the YAML library would take long, before it sees
// it. Marks are counted wherever they stand, in strings and comments too.
func bounded(b []byte) error {
	if len(b) > MaxBytes {
		return fmt.Errorf("%d bytes pass the limit of %d", len(b), MaxBytes)
	}
	if !utf8.Valid(b) {
		return fmt.Errorf("it is not UTF-8")
	}
	line, marks := 1, 0
	for i, c := range b {
		switch c {
		case '\n':
			line++
		case '[', '{', '&', '*', '!', '|', '>', '%':
			marks++
		case '-', '?', ':':
			// Marks where white space follows. In lists of one line each, marks come
			// with their lines.
			if i+1 == len(b) || bytes.IndexByte([]byte(" \t\r\n"), b[i+1]) >= 0 {
				marks++
			}
		}
		if marks > maxMarks {
			return fmt.Errorf("line %d: more than %d brackets, list marks, keys and tags", line, maxMarks)
		}
		if line > maxLines {
			return fmt.Errorf("line %d: more than %d lines", line, maxLines)
		}
	}
	return nil
}
