package samples

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"

	"qtool/encode"
	"qtool/internal/plaintext"
	"qtool/task"
)

// Read are the samples of a stream, read as they are asked for: of pictures their bytes,
// channel by channel and row by row, one picture behind the other; of sentences a line
// each, in UTF-8. A stream that ends within a picture, or has an empty line, is an error.
func Read(name string, r io.Reader, e encode.Encoder) *Samples {
	in := bufio.NewReaderSize(r, 1<<16)
	if e.Kind() == encode.KindText {
		return lines(name, in, e)
	}
	buf := make([]byte, volume(e.Shape()))
	return stream(name, task.Image, e, func() ([]byte, error) {
		n, err := io.ReadFull(in, buf)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = fmt.Errorf("it has %d bytes, a picture of shape %v has %d", n, e.Shape(), len(buf))
		}
		return buf, err
	})
}

// lines are a stream's lines.
func lines(name string, in *bufio.Reader, e encode.Encoder) *Samples {
	first := true
	return stream(name, task.Sentence, e, func() ([]byte, error) {
		var line []byte
		for {
			part, err := in.ReadSlice('\n')
			line = append(line, part...)
			if len(line) > encode.MaxSentence+2 {
				return nil, fmt.Errorf("it passes the limit of %d bytes", encode.MaxSentence)
			}
			if err == bufio.ErrBufferFull {
				continue
			}
			if err != nil && (err != io.EOF || len(line) == 0) {
				return nil, err
			}
			break
		}
		if first { // a byte order mark, or another encoding
			first = false
			var err error
			if line, err = plaintext.UTF8(line); err != nil {
				return nil, err
			}
		}
		return bytes.TrimRight(line, "\r\n"), nil
	})
}

// stream are the samples that next gives until io.EOF.
func stream(name string, noun task.Noun, e encode.Encoder, next func() ([]byte, error)) *Samples {
	return &Samples{-1, noun, func(yield func([]float32, error) bool) {
		for i := 0; ; i++ {
			given, err := next()
			if err == io.EOF {
				return
			}
			var t []float32
			if err == nil {
				t, err = e.Encode(given)
			}
			if err != nil {
				err = fmt.Errorf("%s: %s %d: %w", name, noun.One, i, err)
			}
			if !yield(t, err) || err != nil {
				return
			}
		}
	}}
}

func volume(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Sentences are sentences as they were typed.
func Sentences(typed []string, e encode.Encoder) (*Samples, error) {
	if e.Kind() != encode.KindText {
		return nil, fmt.Errorf("the network takes pictures of shape %v, no sentences", e.Shape())
	}
	return of(len(typed), task.Sentence, func(i int) ([]float32, error) { return e.Encode([]byte(typed[i])) }), nil
}
