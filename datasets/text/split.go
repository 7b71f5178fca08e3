package text

import "qtool/datasets"

// Samples are labelled sentences as a network reads them: of each step the words that the
// selection takes, by their numbers in the vocabulary. scores say how telling each word
// is; see Selection.
func Samples(sentences []Sentence, v *Vocabulary, s Selection, scores []float32) *datasets.Split {
	all := &datasets.Split{Shape: []int{s.Steps}, Words: make([][][]int32, len(sentences))}
	for i, sentence := range sentences {
		all.Words[i] = s.Select(v.Indices(sentence.Words), scores)
		all.Labels = append(all.Labels, sentence.Label)
	}
	return all
}

// Bytes encodes samples that the encoder's own selection made; see Samples and Encoder.
func (e *Encoder) Bytes(samples *datasets.Split) *datasets.Split {
	s := &datasets.Split{Shape: e.Shape(), Labels: samples.Labels}
	s.Images = make([]uint8, samples.Len()*e.Selection.Steps*e.Dimensions)
	for i, steps := range samples.Words {
		for t, words := range steps {
			e.step(s.Images[(i*e.Selection.Steps+t)*e.Dimensions:][:e.Dimensions], words)
		}
	}
	return s
}
