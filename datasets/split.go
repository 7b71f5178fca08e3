package datasets

import (
	"fmt"
	"iter"

	"qtool/encode"
)

// Split is one part of a dataset: N labelled images of equal shape, or N sentences of
// equally many steps.
type Split struct {
	Images []uint8 // [N, Shape...], row-major (NCHW), one byte a value, 0..255; nil of sentences
	Labels []uint8 // [N]
	Shape  []int   // of one image: [C, H, W]; of a sentence [steps]
	// Words are the words of each step of each sentence, by their numbers in a vocabulary;
	// nil of images.
	Words [][][]int32
	// Encoder makes the tensor that a network takes of an image; see Reals. Nil divides
	// by 255.
	Encoder *encode.Pixels
}

// Batch is a run of consecutive images of a split. Its slices are views.
type Batch struct {
	Images []uint8 // [n, Shape...]
	Labels []uint8 // [n]
	Start  int     // index in the split of the first image
}

// Len returns the number of images.
func (s *Split) Len() int { return len(s.Labels) }

// Image returns image i. It shares memory with s.
// It panics if i is not in [0, Len).
func (s *Split) Image(i int) []uint8 {
	size := volume(s.Shape)
	return s.Images[i*size : (i+1)*size : (i+1)*size]
}

// Reals writes the tensor of image i to dst, which has one value a byte of it: what the
// encoder makes of the image. It does not allocate. It panics if i is not in [0, Len) or
// dst has another length.
func (s *Split) Reals(dst []float32, i int) { s.Encoder.EncodeInto(dst, s.Image(i)) }

// Tensor is what Reals writes.
func (s *Split) Tensor(i int) []float32 {
	x := make([]float32, volume(s.Shape))
	s.Reals(x, i)
	return x
}

// Augmented writes the tensor of image i, moved at random as a says, to dst; see
// [Augment.Apply]. The movement depends on a, seed, epoch and i alone.
func (s *Split) Augmented(dst []float32, i int, a Augment, seed, epoch uint64) {
	a.Apply(dst, s.Image(i), s.Shape, seed, epoch, i)
	s.Encoder.Normalize(dst)
}

// Subset returns a copy of the samples named by indices, in that order; the words of
// sentences are shared. An index may occur more than once. It panics if one is not in
// [0, Len).
func (s *Split) Subset(indices []int) *Split {
	out := &Split{
		Labels: make([]uint8, 0, len(indices)),
		Shape:  append([]int(nil), s.Shape...), Encoder: s.Encoder,
	}
	if s.Words != nil {
		out.Words = make([][][]int32, 0, len(indices))
		for _, i := range indices {
			out.Words = append(out.Words, s.Words[i])
			out.Labels = append(out.Labels, s.Labels[i])
		}
		return out
	}
	out.Images = make([]uint8, 0, len(indices)*volume(s.Shape))
	for _, i := range indices {
		out.Images = append(out.Images, s.Image(i)...)
		out.Labels = append(out.Labels, s.Labels[i])
	}
	return out
}

// First returns the first n samples, or all of them if there are fewer.
// It shares memory with s. It panics if n is negative.
func (s *Split) First(n int) *Split {
	n = min(n, s.Len())
	if s.Words != nil {
		return &Split{Words: s.Words[:n:n], Labels: s.Labels[:n:n], Shape: s.Shape}
	}
	size := n * volume(s.Shape)
	return &Split{Images: s.Images[:size:size], Labels: s.Labels[:n:n], Shape: s.Shape, Encoder: s.Encoder}
}

// Batches yields the images in order, size at a time; the last batch may hold
// fewer. Batches share memory with s. It yields one error and stops when size
// is below 1 or the lengths of s do not belong together.
func (s *Split) Batches(size int) iter.Seq2[Batch, error] {
	return func(yield func(Batch, error) bool) {
		if size < 1 {
			yield(Batch{}, fmt.Errorf("datasets: batch size %d is below 1", size))
			return
		}
		if err := s.check(); err != nil {
			yield(Batch{}, err)
			return
		}
		pixels := volume(s.Shape)
		for start := 0; start < s.Len(); {
			end := start + min(size, s.Len()-start)
			b := Batch{
				Images: s.Images[start*pixels : end*pixels : end*pixels],
				Labels: s.Labels[start:end:end],
				Start:  start,
			}
			if !yield(b, nil) {
				return
			}
			start = end
		}
	}
}

// check reports whether shape, images and labels of s belong together.
func (s *Split) check() error {
	for _, d := range s.Shape {
		if d < 1 {
			return fmt.Errorf("datasets: shape %v has a dimension below 1", s.Shape)
		}
	}
	if want := s.Len() * volume(s.Shape); len(s.Images) != want {
		return fmt.Errorf("datasets: %d samples of shape %v need %d bytes, got %d",
			s.Len(), s.Shape, want, len(s.Images))
	}
	return nil
}

// volume returns the product of the dimensions of shape.
func volume(shape []int) int {
	v := 1
	for _, d := range shape {
		v *= d
	}
	return v
}
