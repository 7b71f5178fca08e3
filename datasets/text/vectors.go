package text

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"qtool/datasets"
	"qtool/internal/whole"
)

// Vectors are pre-trained embeddings: Data has a row of Size numbers for each word.
type Vectors struct {
	Size  int
	Words []string
	Data  []float32
}

var gloveFile = []datasets.File{{
	Name: "glove.6B.50d.sentiment-vocab.txt.gz", Size: 1258227,
	SHA256: "57e495915fbf7b3df035598bb6672ac413db41b00b9c6c800517079f4d188268",
}}

// Limits of an embedding file.
const (
	maxVectorSize  = 1024
	maxVectorWords = 1 << 22
	maxVectorBytes = 1 << 30 // unpacked
	maxWordBytes   = 1024
)

// LoadVectors reads embeddings of the given size: "glove" is the part of GloVe 6B
// that the project's data has, anything else the path of a file in GloVe's text
// form, plain or gzip: a word and its numbers, with spaces between, a line.
//
// It returns an error that names the line for another size, a number that is not
// finite, a word that is not UTF-8 or comes twice, and a file that passes a limit.
//
// Reference: Pennington et al., "GloVe: Global Vectors for Word Representation",
// EMNLP 2014.
func LoadVectors(ctx context.Context, name string, size int, o datasets.Options) (*Vectors, error) {
	var b []byte
	if name == "glove" {
		parts, err := datasets.ReadFiles(ctx, "embeddings", gloveFile, o)
		if err != nil {
			return nil, err
		}
		b = parts[0]
	} else {
		var err error
		if b, err = whole.Bytes(name, maxVectorBytes); err != nil {
			return nil, fmt.Errorf("text: vectors: %w", err)
		}
	}
	b, err := unpack(b)
	if err != nil {
		return nil, fmt.Errorf("text: vectors %s: %w", name, err)
	}
	v, err := ParseVectors(b, size)
	if err != nil {
		return nil, fmt.Errorf("text: vectors %s: %w", name, err)
	}
	return v, nil
}

// unpack is b itself, or what a gzip file holds.
func unpack(b []byte) ([]byte, error) {
	if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		if b, err = io.ReadAll(io.LimitReader(z, maxVectorBytes+1)); err != nil {
			return nil, err
		}
	}
	if len(b) > maxVectorBytes {
		return nil, fmt.Errorf("it passes the limit of %d bytes", maxVectorBytes)
	}
	return b, nil
}

// ParseVectors reads the plain text form; see LoadVectors.
func ParseVectors(b []byte, size int) (*Vectors, error) {
	if size < 1 || size > maxVectorSize {
		return nil, fmt.Errorf("vectors of %d numbers, want 1..%d", size, maxVectorSize)
	}
	v := &Vectors{Size: size}
	seen := map[string]bool{}
	for line := 1; len(b) > 0; line++ {
		row, rest, _ := bytes.Cut(b, []byte{'\n'})
		b = rest
		fields := strings.Split(strings.TrimRight(string(row), " \r"), " ")
		word := fields[0]
		if len(fields)-1 != size {
			return nil, fmt.Errorf("line %d: a vector of %d numbers, want %d", line, len(fields)-1, size)
		}
		if word == "" || len(word) > maxWordBytes || !utf8.ValidString(word) || seen[word] {
			return nil, fmt.Errorf("line %d: word %q is empty, not UTF-8, too long or there twice", line, word[:min(len(word), 40)])
		}
		if len(v.Words) == maxVectorWords {
			return nil, fmt.Errorf("line %d: it passes the limit of %d words", line, maxVectorWords)
		}
		seen[word] = true
		v.Words = append(v.Words, word)
		for _, f := range fields[1:] {
			x, err := strconv.ParseFloat(f, 32)
			if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
				return nil, fmt.Errorf("line %d: %q is not a finite number", line, f[:min(len(f), 40)])
			}
			v.Data = append(v.Data, float32(x))
		}
	}
	if len(v.Words) == 0 {
		return nil, fmt.Errorf("it holds no vector")
	}
	return v, nil
}
