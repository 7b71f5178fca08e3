package text

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"qtool/datasets"
	"qtool/internal/edits"
)

func TestGeneratedCorpus(t *testing.T) {
	c, err := Load(context.Background(), "sentences", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	// The corpus is pinned: bundles name it by this hash.
	const want = "ebb9d8f17e2ee33abab8c06804e9af5185d0ef57d0ee7457d09cec123042707b"
	if c.SHA256 != want {
		t.Errorf("content hash %s, want %s", c.SHA256, want)
	}
	seen := map[string]bool{}
	positive := 0
	for _, s := range append(slices.Clone(c.Dev), c.Test...) {
		seen[s.String()] = true
		positive += int(s.Label)
	}
	if n := len(c.Dev) + len(c.Test); positive < n/3 || positive > 2*n/3 {
		t.Errorf("%d of %d sentences are positive", positive, n)
	}
	for _, s := range c.Train {
		if seen[s.String()] {
			t.Fatalf("training sentence %q is in dev or test too", s)
		}
	}
}

func TestLoadErrors(t *testing.T) {
	t.Setenv("QTOOL_DATA", "")
	if _, err := Load(context.Background(), "nothing", datasets.Options{}); err == nil || !strings.Contains(err.Error(), "sentences, sst2, uci") {
		t.Errorf("an unknown corpus: %v", err)
	}
	var hint *datasets.HintError
	_, err := Load(context.Background(), "sst2", datasets.Options{Dir: t.TempDir(), CacheDir: t.TempDir()})
	if !errors.Is(err, datasets.ErrMissing) || !errors.As(err, &hint) {
		t.Errorf("missing files: %v", err)
	}
}

func TestParse(t *testing.T) {
	tsv, err := parseTSV("x", []byte("sentence\tlabel\ngood film \t1\nbad\t0\n"))
	want := []Sentence{{[]string{"good", "film"}, 1}, {[]string{"bad"}, 0}}
	if err != nil || !reflect.DeepEqual(tsv, want) {
		t.Errorf("%v, %v", tsv, err)
	}
	plain, err := parseSentences("x", []byte("1 good film\n0 bad\n"))
	if err != nil || !reflect.DeepEqual(plain, want) {
		t.Errorf("%v, %v", plain, err)
	}
	for _, b := range []string{"", "label\tsentence\n", "sentence\tlabel\ngood\n", "sentence\tlabel\ngood\t2\n", "sentence\tlabel\n\t1\n", "sentence\tlabel\n\xff\t1\n"} {
		if _, err := parseTSV("x", []byte(b)); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%q: %v", b, err)
		}
	}
	if got := without(slices.Clone(want), want[1:]); len(got) != 1 || got[0].Label != 1 {
		t.Errorf("without: %v", got)
	}
}

func TestVectors(t *testing.T) {
	const plain = "a 1 2.5\nb -3 4e-2\n"
	v, err := ParseVectors([]byte(plain), 2)
	if err != nil || !reflect.DeepEqual(v.Words, []string{"a", "b"}) || !reflect.DeepEqual(v.Data, []float32{1, 2.5, -3, 0.04}) {
		t.Fatalf("%+v, %v", v, err)
	}
	voc := NewVocabulary(nil, []string{"b", "c"}, 1)
	rows := []float32{9, 9, 9, 9}
	if found := voc.Embed(rows, v); !reflect.DeepEqual(found, []bool{true, false}) || !reflect.DeepEqual(rows, []float32{-3, 0.04, 9, 9}) {
		t.Errorf("%v %v", found, rows)
	}
	for _, c := range []struct{ text, want string }{
		{"a 1\n", "line 1: a vector of 1 numbers, want 2"}, {"a 1 2\nb 1 2 3\n", "line 2: a vector of 3 numbers"},
		{"a 1 x\n", "not a finite number"}, {"a 1 NaN\n", "not a finite number"}, {"a 1 1e40\n", "not a finite number"},
		{"a 1 2\na 1 2\n", `line 2: word "a" stands in line 1 already`}, {"\xff 1 2\n", "not UTF-8"}, {"", "no vector"},
	} {
		if _, err := ParseVectors([]byte(c.text), 2); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write([]byte(plain))
	z.Close()
	path := filepath.Join(t.TempDir(), "v.gz")
	if err := os.WriteFile(path, packed.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if v, err := LoadVectors(context.Background(), path, 2, datasets.Options{}); err != nil || len(v.Words) != 2 {
		t.Errorf("gzip: %v, %v", v, err)
	}
	if _, err := LoadVectors(context.Background(), path, 50, datasets.Options{}); err == nil || !strings.Contains(err.Error(), "of 2 numbers, want 50") {
		t.Errorf("another dimension: %v", err)
	}
}

func FuzzParseVectors(f *testing.F) {
	f.Add([]byte("a 1 2\nb 3 4\n"))
	f.Add([]byte("a 1 2\r\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		b = b[:min(len(b), edits.Max)]
		v, err := ParseVectors(b, 2)
		if err == nil && (len(v.Words) == 0 || len(v.Data) != 2*len(v.Words)) {
			t.Errorf("%d words, %d numbers", len(v.Words), len(v.Data))
		}
	})
}

// FuzzParseCorpus reads both forms of a corpus: what is accepted has a label and
// no line without one.
func FuzzParseCorpus(f *testing.F) {
	edits.Fuzz(f, [][]byte{
		[]byte("sentence\tlabel\na good film\t1\nbad\t0\n"), []byte("1 a good film\n0 bad\n"),
	}, []string{"\t", " ", "\n", "\r\n", "0", "1", "2", "-1", "\xff", "sentence\tlabel\n"}, nil, func(t *testing.T, b []byte) {
		for _, parse := range []func(string, []byte) ([]Sentence, error){parseTSV, parseSentences} {
			all, err := parse("file", b)
			if err == nil && len(all) > bytes.Count(b, []byte("\n"))+1 {
				t.Errorf("%d sentences in %q", len(all), b)
			}
		}
	})
}

func TestLogistic(t *testing.T) {
	c, err := Load(context.Background(), "sentences", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := NewVocabulary(c.Train, nil, 1)
	l := FitLogistic(v, c.Train, 1)
	if !reflect.DeepEqual(l, FitLogistic(v, c.Train, 1)) {
		t.Error("two fits differ")
	}
	if a := l.Accuracy(v, c.Test); a < 0.6 {
		t.Errorf("accuracy %v", a)
	}
	i := v.Indices([]string{"good", "bad", "unknown-word"})
	if len(i) != 2 || l.Weight[i[0]] <= 0 || l.Weight[i[1]] >= 0 {
		t.Errorf("weights of good and bad: %v", i)
	}
}
