package text

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"qtool/encode"
	"qtool/internal/plaintext"
)

// ParseVectors reads vectors of size numbers from text: a word and its numbers,
// with blanks or tabs between, a line. It takes what the common tools write:
//
//   - the header line "words size" of word2vec and fastText, which must be true;
//   - words with no-break spaces, and words of several parts, as GloVe's 840B has;
//   - CRLF, a byte order mark, and empty lines at the end.
//
// It returns an error that names the line for another count of numbers, a number
// that is not finite, a word that is empty, too long or there twice, and an empty
// line before the end; and for a text that is not UTF-8 or passes a limit.
func ParseVectors(b []byte, size int) (*encode.Vectors, error) {
	if size < 1 || size > maxVectorSize {
		return nil, fmt.Errorf("vectors of %d numbers, want 1..%d", size, maxVectorSize)
	}
	b, err := plaintext.UTF8(b)
	if err != nil {
		return nil, err
	}
	p := vectorParser{Vectors: encode.Vectors{Size: size}, line: map[string]int{}}
	b = bytes.TrimRight(b, "\r\n \t")
	announced := -1
	for line := 1; len(b) > 0; line++ {
		row, rest, _ := bytes.Cut(b, []byte{'\n'})
		b = rest
		fields := strings.FieldsFunc(string(row), func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' })
		if line == 1 {
			words, numbers, ok := header(fields)
			if ok && (size > 1 || numbers == 1 && words == bytes.Count(b, []byte{'\n'})+1) {
				if numbers != size {
					return nil, fmt.Errorf("line 1: the header says vectors of %d numbers, want %d", numbers, size)
				}
				announced = words
				continue
			}
		}
		if err := p.add(line, row, fields); err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
	}
	switch n := len(p.Words); {
	case n == 0:
		return nil, fmt.Errorf("it holds no vector")
	case announced >= 0 && n != announced:
		return nil, fmt.Errorf("line 1: the header says %d words, %d follow: the file is not whole", announced, n)
	}
	return &p.Vectors, nil
}

// header are the two numbers of a header line.
func header(fields []string) (words, size int, ok bool) {
	if len(fields) != 2 {
		return 0, 0, false
	}
	words, err1 := strconv.Atoi(fields[0])
	size, err2 := strconv.Atoi(fields[1])
	return words, size, err1 == nil && err2 == nil && words >= 0 && size > 0
}

// vectorParser adds lines to vectors.
type vectorParser struct {
	encode.Vectors
	line map[string]int // where each word stands
}

// add takes a line of fields. Those before the last Size are the word.
func (p *vectorParser) add(line int, row []byte, fields []string) error {
	at := len(fields) - p.Size // of the first number
	switch {
	case len(fields) == 0:
		return fmt.Errorf("it is empty")
	case row[0] == ' ' || row[0] == '\t':
		return fmt.Errorf("the word is empty: the line begins with a blank")
	case at < 1:
		return fmt.Errorf("a vector of %d numbers, want %d", len(fields)-1, p.Size)
	}
	// A word of several parts is no number but in its first part; otherwise the
	// line has too many numbers.
	for _, part := range fields[1:at] {
		if _, err := strconv.ParseFloat(part, 32); err == nil {
			return fmt.Errorf("a vector of %d numbers, want %d", len(fields)-1, p.Size)
		}
	}
	word := strings.Join(fields[:at], " ")
	switch first, twice := p.line[word]; {
	case len(word) > maxWordBytes:
		return fmt.Errorf("a word of %d bytes passes the limit of %d", len(word), maxWordBytes)
	case twice:
		return fmt.Errorf("word %q stands in line %d already", word[:min(len(word), 40)], first)
	case len(p.Words) == maxVectorWords:
		return fmt.Errorf("it passes the limit of %d words", maxVectorWords)
	}
	p.line[word] = line
	p.Words = append(p.Words, word)
	for _, f := range fields[at:] {
		x, err := strconv.ParseFloat(f, 32)
		if err != nil || math.IsInf(x, 0) || math.IsNaN(x) {
			return fmt.Errorf("%q is not a finite number", f[:min(len(f), 40)])
		}
		p.Data = append(p.Data, float32(x))
	}
	return nil
}
