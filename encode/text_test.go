package encode

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// none is no sentence.
func none(func([]string) bool) {}

func testText() *Text {
	v := NewVocabulary(none, []string{"bad", "film", "good"}, 1)
	return &Text{
		Vocabulary: v, Selection: Selection{Kind: "chunk", Steps: 2, Words: 2}, Bits: 4, Fraction: 2, Dimensions: 2,
		Vectors: []int16{-9, 6, 2, -2, 40, 10}, Scores: []float32{-1, 0.25, 2},
	}
}

func TestSentence(t *testing.T) {
	e := testText()
	for _, c := range []struct {
		text string
		want []byte
	}{
		// -9/4 = -2.25 -> -2; 6/4 = 1.5 -> 2; 2/4 = 0.5 -> 0; -2/4 -> 0
		{"bad film", []byte{6, 10, 8, 8}},
		// 40/4 saturates at 7; 10/4 = 2.5 -> 2
		{"Good", []byte{8, 8, 15, 10}},
		// two pieces: bad+film = -7/4 -> -2, 4/4 = 1; film+good
		{"bad strange film, film good!", []byte{6, 9, 15, 10}},
	} {
		got, err := e.Sentence(c.text)
		if err != nil || !bytes.Equal(got.Bytes, c.want) {
			t.Errorf("%q: %v, %v, want %v", c.text, got, err, c.want)
		}
	}
	got, err := e.Sentence("bad strange film, film good!")
	if err != nil || got.Words != 7 || got.Known != 4 || !reflect.DeepEqual(got.Steps, [][]string{{"bad", "film"}, {"film", "good"}}) {
		t.Errorf("%+v, %v", got, err)
	}
	e.Selection, e.Mean = Selection{Kind: "chunk", Steps: 1}, true
	// (-9 + 40) / 2 / 4 = 3.875 -> 4; (6 + 10) / 8 = 2
	if got, err := e.Sentence("bad good"); err != nil || !bytes.Equal(got.Bytes, []byte{12, 10}) {
		t.Errorf("average %v, %v", got, err)
	}
}

func TestSentenceRefuses(t *testing.T) {
	e := testText()
	for _, c := range []struct {
		text string
		want error
	}{{"", ErrEmpty}, {" \n", ErrEmpty}, {"xyzzy plugh", ErrUnknown}} {
		if got, err := e.Sentence(c.text); got != nil || !errors.Is(err, c.want) {
			t.Errorf("%q: %v, %v, want %v", c.text, got, err, c.want)
		}
	}
	if got, err := e.Sentence("good \xff"); got != nil || err == nil {
		t.Errorf("invalid UTF-8: %v, %v", got, err)
	}
	long, err := e.Sentence(strings.Repeat("good film ", 5000))
	if err != nil || long.Words != 10000 || len(long.Bytes) != 4 {
		t.Errorf("10,000 words: %v", err)
	}
	// A dataset's sentences are all encoded: without known words, as all zeros.
	zeros := make([]byte, 4)
	if e.Steps(zeros, make([][]int32, e.Selection.Steps)); !bytes.Equal(zeros, []byte{8, 8, 8, 8}) {
		t.Errorf("no known word: %v", zeros)
	}
}

func TestDivideRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, d := rapid.Int64Range(-1000, 1000).Draw(t, "n"), rapid.Int64Range(1, 40).Draw(t, "d")
		q := divideRound(n, d)
		switch twice := 2*(n-q*d) + 0; {
		case twice > d || twice < -d:
			t.Fatalf("%d/%d = %d", n, d, q)
		case (twice == d || twice == -d) && q%2 != 0:
			t.Fatalf("%d/%d = %d is no even tie", n, d, q)
		}
	})
}

func TestTextFile(t *testing.T) {
	for _, change := range []func(*Text){
		func(*Text) {},
		func(e *Text) { e.Scores, e.Selection = nil, Selection{Kind: "first", Steps: 3} },
		func(e *Text) { e.Mean, e.Selection = true, Selection{Kind: "chunk", Steps: 1} },
	} {
		e := testText()
		change(e)
		b, err := e.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(b)
		if err != nil || !reflect.DeepEqual(again, e) {
			t.Errorf("%+v, %v, want %+v", again, err, e)
		}
		for i := range b {
			altered := bytes.Clone(b)
			altered[i] ^= 4
			if again, err := Decode(altered); err == nil {
				t.Fatalf("byte %d altered: %+v was taken", i, again)
			}
		}
	}
	for _, change := range []func(*Text){
		func(e *Text) { e.Vectors = e.Vectors[1:] }, func(e *Text) { e.Scores = nil }, func(e *Text) { e.Bits = 9 },
		func(e *Text) { e.Fraction = -1 }, func(e *Text) { e.Selection.Steps = 0 }, func(e *Text) { e.Dimensions = 0 },
	} {
		e := testText()
		change(e)
		if _, err := e.MarshalBinary(); err == nil {
			t.Errorf("%+v was written", e)
		}
	}
}

// Every prefix of a file of a Text is refused.
func TestCutText(t *testing.T) {
	b, err := testText().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if e, err := Decode(b[:n]); e != nil || err == nil || !strings.HasPrefix(err.Error(), "encode: encoder file: ") {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	if e, err := Decode(append(bytes.Clone(b), 0)); e != nil || err == nil {
		t.Error("a byte behind the end is accepted")
	}
}
