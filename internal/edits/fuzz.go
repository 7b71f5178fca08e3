package edits

import (
	"bytes"
	"testing"
)

// Fuzz fuzzes a reader of bytes by edits of originals, at most 255, with the words
// that its format is made of, and by texts of at most Max bytes as they are. seal,
// if not nil, makes the checksums of edited bytes right. Raw texts may be added as
// seeds.
func Fuzz(f *testing.F, originals [][]byte, words []string, seal func([]byte) []byte, check func(t *testing.T, b []byte), raw ...string) {
	if len(originals) == 0 || len(originals) > 255 {
		f.Fatalf("%d originals, want 1 to 255", len(originals))
	}
	for i := range originals {
		f.Add(uint8(i), []byte{})
		f.Add(uint8(i), []byte{4, 0, 128, 0, 0})
		f.Add(uint8(i), []byte{1, 0, byte(16 + i), 1, 0})
		f.Add(uint8(i), []byte{3, 0, byte(224 + i), 255, 40})
	}
	for i := range words {
		f.Add(uint8(i%len(originals)), []byte{7, 0, byte(41 * i), byte(i), 0})
	}
	for _, text := range raw {
		f.Add(uint8(255), []byte(text))
	}
	f.Fuzz(func(t *testing.T, which uint8, script []byte) {
		b := script[:min(len(script), Max)]
		if which < 255 {
			original := originals[int(which)%len(originals)]
			if b = Apply(original, script, words...); len(script) > 0 && bytes.Equal(b, original) {
				return // the empty script checks it, and it may take long
			}
			if seal != nil {
				b = seal(b)
			}
		}
		check(t, b)
	})
}
