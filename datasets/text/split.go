package text

import (
	"qtool/datasets"
	"qtool/encode"
)

// Samples are labelled sentences as a network reads them: of each step the words that the
// selection takes, by their numbers in the vocabulary. scores say how telling each word
// is; see encode.Selection.
func Samples(sentences []Sentence, v *encode.Vocabulary, s encode.Selection, scores []float32) *datasets.Split {
	all := &datasets.Split{Shape: []int{s.Steps}, Words: make([][][]int32, len(sentences))}
	for i, sentence := range sentences {
		all.Words[i] = s.Select(v.Indices(sentence.Words), scores)
		all.Labels = append(all.Labels, sentence.Label)
	}
	return all
}

// Bytes encodes samples that e's own selection made; see Samples. The images of the split
// are their bytes. A sample without words is all empty steps.
func Bytes(e *encode.Text, samples *datasets.Split) *datasets.Split {
	shape := e.Shape()
	size := shape[0] * shape[1]
	s := &datasets.Split{Shape: shape, Labels: samples.Labels, Images: make([]uint8, samples.Len()*size)}
	for i, steps := range samples.Words {
		e.Steps(s.Images[i*size:(i+1)*size], steps)
	}
	return s
}
