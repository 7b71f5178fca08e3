package planhash

import "testing"

// Descriptions that differ anywhere have different hashes, equal ones the same.
func TestHash(t *testing.T) {
	build := map[string]func() *Hash{
		"nothing":         func() *Hash { return New("bgv") },
		"another backend": func() *Hash { return New("bgvlut") },
		"an empty list":   func() *Hash { return New("bgv").Ints("a") },
		"one number":      func() *Hash { return New("bgv").Ints("a", 1) },
		"as a word":       func() *Hash { return New("bgv").Words("a", 1) },
		"as a text":       func() *Hash { return New("bgv").Texts("a", "1") },
		"as a value":      func() *Hash { return New("bgv").Values("a", 1) },
		"two numbers":     func() *Hash { return New("bgv").Ints("a", 1, 2) },
		"two lists":       func() *Hash { return New("bgv").Ints("a", 1).Ints("", 2) },
		"other names":     func() *Hash { return New("bgv").Ints("b", 1, 2) },
		"texts apart":     func() *Hash { return New("bgv").Texts("a", "x", "y") },
		"texts together":  func() *Hash { return New("bgv").Texts("a", "xy", "") },
	}
	seen := map[[32]byte]string{}
	for name, f := range build {
		sum := f().Sum()
		if other, ok := seen[sum]; ok {
			t.Errorf("%q and %q have one hash", name, other)
		}
		seen[sum] = name
		if f().Sum() != sum {
			t.Errorf("%q has two hashes", name)
		}
	}
}
