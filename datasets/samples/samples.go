// Package samples makes a network's input tensors of what a client has: the test samples
// of a dataset, a stream, pictures, sentences. An encoder does it, one sample at a time,
// as the loop over them asks for it.
package samples

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"slices"

	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/encode"
	"qtool/internal/hint"
	"qtool/task"
)

// Samples are the tensors of samples, in order. The loop over All ends at the first error.
type Samples struct {
	// Count is how many there are; -1 where that is not known before the end.
	Count int
	Noun  task.Noun
	All   iter.Seq2[[]float32, error]
}

// First are the first n samples; 0 is all of them. Fewer samples than n are an error.
func (s *Samples) First(n int) (*Samples, error) {
	if n == 0 || n == s.Count {
		return s, nil
	}
	if n < 0 {
		return nil, fmt.Errorf("limit %d is negative", n)
	}
	if s.Count >= 0 && n > s.Count {
		return nil, fmt.Errorf("limit %d is outside 1..%d, the %s that there are", n, s.Count, s.Noun.Many)
	}
	return &Samples{n, s.Noun, func(yield func([]float32, error) bool) {
		got := 0
		for t, err := range s.All {
			if !yield(t, err) || err != nil {
				return
			}
			if got++; got == n {
				return
			}
		}
		yield(nil, fmt.Errorf("limit %d: there are %d %s", n, got, s.Noun.Many))
	}}, nil
}

// of are n samples, of which encode makes the tensor of one.
func of(n int, noun task.Noun, encode func(i int) ([]float32, error)) *Samples {
	return &Samples{n, noun, func(yield func([]float32, error) bool) {
		for i := range n {
			t, err := encode(i)
			if err != nil {
				err = fmt.Errorf("%s %d: %w", noun.One, i, err)
			}
			if !yield(t, err) || err != nil {
				return
			}
		}
	}}
}

// Test are the test samples of the dataset or the corpus called name, as e encodes them: the
// tensors that verification has of them.
func Test(ctx context.Context, name string, e encode.Encoder, o datasets.Options) (*Samples, error) {
	if words, ok := e.(*encode.Text); ok {
		return sentences(ctx, name, words, o)
	}
	pixels, ok := e.(*encode.Pixels)
	if !ok {
		return nil, fmt.Errorf("samples: an encoder of kind %q takes no dataset", e.Kind())
	}
	if text.Known(name) {
		return nil, fmt.Errorf("samples: %s has sentences, the network takes pictures of shape %v", name, pixels.Shape())
	}
	d, err := datasets.Load(ctx, name, o)
	if err != nil {
		return nil, named(name, err)
	}
	if !slices.Equal(d.Shape, pixels.Shape()) {
		return nil, fmt.Errorf("samples: dataset %s has %s of shape %v, the network takes %v", name, d.Unit().Many, d.Shape, pixels.Shape())
	}
	return of(d.Test.Len(), d.Unit(), func(i int) ([]float32, error) { return pixels.Encode(d.Test.Image(i)) }), nil
}

func sentences(ctx context.Context, name string, e *encode.Text, o datasets.Options) (*Samples, error) {
	if slices.Contains(datasets.Names(), name) {
		return nil, fmt.Errorf("samples: dataset %s has pictures, the network takes sentences", name)
	}
	c, err := text.Load(ctx, name, o)
	if err != nil {
		return nil, named(name, err)
	}
	return of(len(c.Test), task.Sentence, func(i int) ([]float32, error) {
		// A sentence without any known word is all empty steps: a set is answered whole.
		one := text.Samples(c.Test[i:i+1], e.Vocabulary, e.Selection, e.Scores)
		return text.Bytes(e, one).Tensor(0), nil
	}), nil
}

// named adds advice to an error where the name is that of a file.
func named(name string, err error) error {
	if _, stat := os.Stat(name); stat == nil && hint.Of(err) == "" && !errors.Is(err, fs.ErrNotExist) {
		return hint.With(err, "a dataset is given by its name, idx:DIR for one of your own; one picture with --image, one sentence with --text")
	}
	return err
}
