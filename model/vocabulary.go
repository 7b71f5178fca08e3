package model

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"qtool/internal/safetensors"
)

// The tensors of a checkpoint that say which words its embedding has.
const (
	wordsTensor  = "words"
	scoresTensor = "scores"
)

// check refuses parameters and words that are not the network's.
func (c *Checkpoint) check() error {
	if err := c.Params.Check(c.Network); err != nil {
		return err
	}
	rows := 0
	if c.Network.ReadsWords() {
		rows = c.Network.Layers[0].Words
	}
	if len(c.Words) != rows || len(c.Scores) != rows {
		return fmt.Errorf("model: %d words and %d scores, the embedding has %d rows", len(c.Words), len(c.Scores), rows)
	}
	for i, s := range c.Scores {
		if math.IsNaN(float64(s)) || math.IsInf(float64(s), 0) {
			return fmt.Errorf("model: the score of word %q is %v, not finite", c.Words[i], s)
		}
	}
	return nil
}

// vocabulary is the words and scores as tensors; there are none of a network that reads no
// words.
func (c *Checkpoint) vocabulary() []safetensors.Tensor {
	if !c.Network.ReadsWords() {
		return nil
	}
	words := strings.Join(c.Words, "\n")
	return []safetensors.Tensor{
		{Name: wordsTensor, DType: safetensors.U8, Shape: []int{len(words)}, Data: []byte(words)},
		safetensors.FromFloat32(scoresTensor, []int{len(c.Scores)}, c.Scores),
	}
}

// takeVocabulary reads the words and scores, where the network has some.
func (c *Checkpoint) takeVocabulary(f *safetensors.File) error {
	if !c.Network.ReadsWords() {
		return nil
	}
	words, ok := f.Get(wordsTensor)
	if !ok || words.DType != safetensors.U8 || !utf8.Valid(words.Data) {
		return fmt.Errorf("tensor %q is missing, or not UTF-8", wordsTensor)
	}
	scores, ok := f.Get(scoresTensor)
	if !ok {
		return fmt.Errorf("tensor %q is missing", scoresTensor)
	}
	var err error
	c.Words = strings.Split(string(words.Data), "\n")
	c.Scores, err = scores.Float32s()
	return err
}
