package edits

import (
	"bytes"
	"testing"
)

func TestApply(t *testing.T) {
	const text = "0123456789abcdef"
	for _, c := range []struct {
		name   string
		script []byte
		want   string
	}{
		{"nothing", nil, text},
		{"an incomplete step", []byte{0, 0, 0, 'x'}, text},
		{"set", []byte{0, 0, 128, 'x', 0}, "01234567x9abcdef"},
		{"bit", []byte{1, 0, 0, 1, 0}, "2123456789abcdef"},
		{"add", []byte{2, 0, 240, 1, 0}, "0123456789abcdeg"},
		{"number", []byte{3, 0, 0, 1, 8}, "\x00\x01\x00\x00\x00\x00\x00\x0089abcdef"},
		{"number at the end", []byte{3, 0, 240, 'x', 0}, "0123456789abcdex"},
		{"cut", []byte{4, 0, 128, 0, 0}, "01234567"},
		{"take out", []byte{5, 0, 16, 1, 0}, "03456789abcdef"},
		{"double", []byte{6, 0, 16, 2, 0}, "0123123456789abcdef"},
		{"word", []byte{13 + 2, 0, 0, 1, 0}, "two0123456789abcdef"},
		{"all gone, and on", []byte{4, 0, 0, 0, 0, 0, 0, 0, 1, 1}, ""},
	} {
		b := []byte(text)
		if got := Apply(b, c.script, "one", "two"); string(got) != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if string(b) != text {
			t.Errorf("%s: the original changed to %q", c.name, b)
		}
	}
	long := bytes.Repeat([]byte{0, 0, 0, 'x', 0}, 17)
	if got := Apply([]byte("ab"), append(long[:Max:Max], 0, 0, 128, 'y', 0)); string(got) != "xb" {
		t.Errorf("behind the longest script: %q", got)
	}
}
