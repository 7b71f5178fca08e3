package main

import (
	"fmt"
	"strings"

	"qtool/bundle"
	"qtool/encode"
)

// encoderView is what a bundle's client does in the clear; one of the two is there, or
// neither for pixels that are divided by 255.
type encoderView struct {
	Kind   string      `json:"kind"`
	Pixels *pixelsView `json:"pixels,omitempty"`
	Text   *textView   `json:"text,omitempty"`
}

// pixelsView is one number a channel.
type pixelsView struct {
	Mean []float32 `json:"mean"`
	Std  []float32 `json:"std"`
}

// textView is what becomes of sentences.
type textView struct {
	Words      int              `json:"words"`
	Selection  encode.Selection `json:"selection"`
	Bits       int              `json:"bits"`
	Dimensions int              `json:"dimensions"`
	Bytes      int64            `json:"bytes"`
}

// encoder fills in what the bundle's encoder is.
func (v *bundleView) encoder(f *bundle.File) error {
	v.Encoder.Kind = f.Encoder.Kind()
	switch e := f.Encoder.(type) {
	case *encode.Pixels:
		if !e.Plain() {
			v.Encoder.Pixels = &pixelsView{e.Mean(), e.Std()}
		}
	case *encode.Text:
		b, err := e.MarshalBinary()
		if err != nil {
			return err
		}
		v.Encoder.Text = &textView{e.Vocabulary.Len(), e.Selection, e.Bits, e.Dimensions, int64(len(b))}
		v.Client = v.Encoder.Text
	}
	return nil
}

// encoder says what a client does in the clear.
func (p *printer) encoder(v bundleView) {
	switch e := v.Encoder; {
	case e.Pixels != nil:
		p.f("encoder: bytes / 255, less mean %s, by deviation %s\n\n", numbers(e.Pixels.Mean), numbers(e.Pixels.Std))
	case e.Text != nil:
		c := e.Text
		p.f("client: %d words, %s of %d steps, %d numbers of %d bits each; %s\n\n", c.Words, c.Selection.Kind, c.Selection.Steps, c.Dimensions, c.Bits, size(c.Bytes))
	}
}

func numbers(x []float32) string {
	words := make([]string, len(x))
	for i, v := range x {
		words[i] = fmt.Sprint(v)
	}
	return strings.Join(words, ", ")
}
