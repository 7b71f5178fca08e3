package text

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"qtool/datasets"
	"qtool/encode"
	"qtool/internal/plaintext"
)

// Sentence is one labelled sentence: 1 says positive, 0 negative.
type Sentence struct {
	Words []string
	Label uint8
}

// String is the words with a space between.
func (s Sentence) String() string { return strings.Join(s.Words, " ") }

// Corpus is a labelled set of sentences. Dev chooses, Test is looked at once.
type Corpus struct {
	Name             string // as given to Load
	Train, Dev, Test []Sentence
	SHA256           string // of the content, in hex: see contentHash
}

// Labels names the classes.
var Labels = []string{"negative", "positive"}

// loaders has the corpora by name.
var loaders = map[string]func(context.Context, datasets.Options) (*Corpus, error){
	"sentences": loadGenerated,
	"sst2":      loadSST2,
	"uci":       loadUCI,
}

// Names returns the names that Load knows, sorted.
func Names() []string { return slices.Sorted(maps.Keys(loaders)) }

// Known reports whether Load knows the name.
func Known(name string) bool { return loaders[name] != nil }

// Load returns the corpus called name, complete and checked. When its files are
// in none of the places looked at, the error wraps [datasets.ErrMissing] and is or
// wraps a [*datasets.HintError].
func Load(ctx context.Context, name string, o datasets.Options) (*Corpus, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("text: %s: %w", name, err)
	}
	load, ok := loaders[name]
	if !ok {
		return nil, fmt.Errorf("text: unknown corpus %q, want one of %s", name, strings.Join(Names(), ", "))
	}
	c, err := load(ctx, o)
	if err != nil {
		return nil, err
	}
	c.Name, c.SHA256 = name, contentHash(c)
	return c, nil
}

// contentHash names the content of a corpus: the SHA-256, in hex, of
//
//	"qtool corpus 1\n"
//	for train, dev, then test:
//		uint64 number of sentences
//		of each: its label, a byte | its words with a space between | "\n"
//
// with a big-endian number.
func contentHash(c *Corpus) string {
	h := sha256.New()
	io.WriteString(h, "qtool corpus 1\n")
	for _, split := range [][]Sentence{c.Train, c.Dev, c.Test} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(split))))
		for _, s := range split {
			h.Write([]byte{s.Label})
			io.WriteString(h, s.String())
			h.Write([]byte{'\n'})
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// limits of a corpus file, so that a wrong one is refused before it fills memory.
const (
	maxFileBytes = 1 << 28
	maxLines     = 1 << 21
)

// lines calls each with every line of a file in UTF-8, without a byte order mark,
// and its number from 1. Lines end
// with LF alone: other line breaks of Unicode occur inside sentences.
func lines(name string, b []byte, each func(line int, text string) error) error {
	if len(b) > maxFileBytes {
		return fmt.Errorf("text: %s: %d bytes pass the limit of %d", name, len(b), maxFileBytes)
	}
	b, err := plaintext.UTF8(b)
	if err != nil {
		return fmt.Errorf("text: %s: %w", name, err)
	}
	all := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if len(all) > maxLines {
		return fmt.Errorf("text: %s: %d lines pass the limit of %d", name, len(all), maxLines)
	}
	for i, l := range all {
		if err := each(i+1, strings.TrimSuffix(l, "\r")); err != nil {
			return fmt.Errorf("text: %s, line %d: %w", name, i+1, err)
		}
	}
	return nil
}

// labelled makes a sentence of a text and its label "0" or "1".
func labelled(text, label string) (Sentence, error) {
	if label != "0" && label != "1" {
		return Sentence{}, fmt.Errorf("label %q is neither 0 nor 1", label)
	}
	words, err := encode.Tokenize(text)
	if err == nil && len(words) == 0 {
		err = fmt.Errorf("a sentence without words")
	}
	return Sentence{words, label[0] - '0'}, err
}
