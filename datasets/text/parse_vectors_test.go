package text

import (
	"strings"
	"testing"
)

// What the common tools write is read, and what is wrong is named by its line.
func TestParseVectorsAsWritten(t *testing.T) {
	for _, c := range []struct{ text, words string }{
		{"2 3\na 1 2 3\nb 4 5 6\n", "a|b"},                      // word2vec, fastText
		{"\ufeffa 1 2 3\r\nb 4 5 6 \r\n\r\n\n", "a|b"},          // Windows
		{".\u00a0.\u00a0. 1 2 3\nb 4 5 6", ".\u00a0.\u00a0.|b"}, // GloVe 840B
		{"at name@domain.com 1 2 3\nb 4 5 6", "at name@domain.com|b"},
		{"a\t1\t2\t3\nb  4 5 6", "a|b"},
		{"2000 1 2 3\n3d 4 5 6", "2000|3d"},
	} {
		v, err := ParseVectors([]byte(c.text), 3)
		if err != nil || strings.Join(v.Words, "|") != c.words || len(v.Data) != 6 || v.Data[0] != 1 || v.Data[5] != 6 {
			t.Errorf("%q: %+v, %v", c.text, v, err)
		}
	}
	// With vectors of one number a header is one only where it is true.
	if v, err := ParseVectors([]byte("5 1\nb 2\n"), 1); err != nil || len(v.Words) != 2 {
		t.Errorf("%+v, %v", v, err)
	}
	if v, err := ParseVectors([]byte("1 1\nb 2\n"), 1); err != nil || len(v.Words) != 1 || v.Words[0] != "b" {
		t.Errorf("%+v, %v", v, err)
	}
	for _, c := range []struct{ text, want string }{
		{"2 4\na 1 2 3\n", "line 1: the header says vectors of 4 numbers, want 3"},
		{"9 3\na 1 2 3\n", "line 1: the header says 9 words, 1 follow: the file is not whole"},
		{"a 1 2 3\n\nb 1 2 3\n", "line 2: it is empty"}, {"a 1 2 3\n 1 2 3\n", "line 2: the word is empty"},
		{"a 1 2 3\nb 1 2\n", "line 2: a vector of 2 numbers, want 3"}, {"a 1 2 3 4\n", "line 1: a vector of 4 numbers, want 3"},
		{"a 1 2 3\nb 1 2 x\n", `line 2: "x" is not a finite number`}, {"a 1 nan 3", `"nan" is not a finite`},
		{"a 1 2 3\nb 1 2 3\na 1 2 3", `line 3: word "a" stands in line 1 already`},
		{"\xff\xfea\x00", "saved as UTF-16"}, {"a 1 2 3\n\xff 1 2 3", "line 2, byte 1: it is not UTF-8"},
	} {
		if v, err := ParseVectors([]byte(c.text), 3); v != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %+v, %v, want an error with %q", c.text, v, err, c.want)
		}
	}
}
