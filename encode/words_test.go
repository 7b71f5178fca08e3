package encode

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestTokenize(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"A gripping , funny film", "a gripping , funny film"},
		{"It's great!", "it 's great !"},
		{"I didn't like it...", "i did n't like it ..."},
		{"(very) \"good\"?!", "( very ) \" good \" ? !"},
		{"-lrb- so-so -rrb-", "( so-so )"},
		{"it 's n't -- 'em `` x", "it 's n't -- 'em `` x"},
		{"  \t\n ", ""},
		{"", ""},
		{"film.", "film ."},
		{"Crème brûlée,", "crème brûlée ,"},
	} {
		got, err := Tokenize(c.in)
		if err != nil || strings.Join(got, " ") != c.want {
			t.Errorf("%q: %q, %v, want %q", c.in, got, err, c.want)
		}
	}
}

// What is tokenized stays as it is, and no text loses a letter.
func TestTokenizeIsIdempotent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-cN'(,.!-]{0,12} ?[a-cN'(,.!-]{0,12}`)).Draw(t, "text")
		once, err := Tokenize(s)
		if err != nil {
			t.Skip("not UTF-8")
		}
		again, err := Tokenize(strings.Join(once, " "))
		if err != nil || !slices.Equal(once, again) {
			t.Fatalf("%q gives %q and that %q", s, once, again)
		}
	})
}

func TestTokenizeRefuses(t *testing.T) {
	if _, err := Tokenize("a \xff b"); err == nil || !strings.Contains(err.Error(), "byte 2") {
		t.Errorf("invalid UTF-8: %v", err)
	}
	if _, err := Tokenize("a \ufffd b"); err != nil {
		t.Errorf("the replacement character itself: %v", err)
	}
	if _, err := Tokenize(strings.Repeat("a", MaxBytes+1)); err == nil {
		t.Error("a sentence above the limit was taken")
	}
	words, err := Tokenize(strings.Repeat("word ", 10_000))
	if err != nil || len(words) != 10_000 {
		t.Errorf("10,000 words: %d, %v", len(words), err)
	}
}

// What every selection keeps: words of the sentence, in their order, in no more
// than the steps there are.
func TestSelection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Selection{Kind: rapid.SampledFrom([]string{"first", "saliency", "chunk"}).Draw(t, "kind"), Steps: rapid.IntRange(1, 9).Draw(t, "steps")}
		if s.Kind == "chunk" {
			s.Words = rapid.IntRange(0, 4).Draw(t, "words")
		}
		words := rapid.SliceOfN(rapid.Int32Range(0, 20), 0, 40).Draw(t, "sentence")
		score := rapid.SliceOfN(rapid.Float32Range(-2, 2), 21, 21).Draw(t, "score")
		steps := s.Select(slices.Clone(words), score)
		if len(steps) != s.Steps || s.Validate() != nil {
			t.Fatalf("%d steps", len(steps))
		}
		flat := slices.Concat(steps...)
		at := 0
		for _, w := range flat {
			i := slices.Index(words[at:], w)
			if i < 0 {
				t.Fatalf("%v of %v", flat, words)
			}
			at += i + 1
		}
		if len(words) <= s.Steps && !slices.Equal(flat, words) {
			t.Fatalf("a short sentence %v became %v", words, flat)
		}
		for i, step := range steps {
			if empty := len(step) == 0; empty != (i < s.Steps-len(words)) {
				t.Fatalf("step %d of %d words: %v", i, len(words), step)
			}
			if s.Kind == "chunk" && s.Words > 0 && len(words) > s.Steps && len(step) > s.Words || s.Kind != "chunk" && len(step) > 1 {
				t.Fatalf("step %d has %v", i, step)
			}
		}
	})
}

func TestSaliency(t *testing.T) {
	s := Selection{Kind: "saliency", Steps: 2}
	if got := s.Select([]int32{0, 1, 2, 3}, []float32{0.5, -2, 0.1, 1}); !reflect.DeepEqual(got, [][]int32{{1}, {3}}) {
		t.Errorf("%v, want the words of the largest magnitude in their order", got)
	}
	for _, s := range []Selection{{Kind: "last", Steps: 1}, {Kind: "first"}, {Kind: "first", Steps: 1, Words: 1}, {Kind: "chunk", Steps: MaxSteps + 1}} {
		if s.Validate() == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}
