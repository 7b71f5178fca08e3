package text

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"qtool/datasets"
)

var uciFiles = []datasets.File{
	{Name: "sentiment-labelled-sentences/amazon_cells_labelled.txt", Size: 58226, SHA256: "47003fc0a0d4840b00e96e715b6189bad09e7443a3da41c4cbe12ffc79f86ae3"},
	{Name: "sentiment-labelled-sentences/imdb_labelled.txt", Size: 85285, SHA256: "aef2e49e3da25714d61175e3a6e68eeef74a20a2f914318dc3be9947ea86512d"},
	{Name: "sentiment-labelled-sentences/yelp_labelled.txt", Size: 61320, SHA256: "c76468b7b5c6e56a0804d728345c5f84aa2142ddb214420f61cc9cfd4c00d2ea"},
}

// Sentences of UCI's set that are held out; the rest of its 3000 is for training.
const uciDev, uciTest = 300, 600

// loadUCI reads the three files of the "Sentiment Labelled Sentences" and splits
// them, in an order that a fixed stream shuffles: test first, dev, then train.
// A training sentence that is in one of the others too is dropped.
//
// Reference: Kotzias et al., "From Group to Individual Labels Using Deep
// Features", KDD 2015.
func loadUCI(ctx context.Context, o datasets.Options) (*Corpus, error) {
	parts, err := datasets.ReadFiles(ctx, "sentiment", uciFiles, o)
	if err != nil {
		return nil, err
	}
	var all []Sentence
	for i, b := range parts {
		err := lines(uciFiles[i].Name, b, func(_ int, l string) error {
			at := strings.LastIndexByte(l, '\t')
			if at < 0 {
				return fmt.Errorf("no TAB")
			}
			s, err := labelled(l[:at], l[at+1:])
			all = append(all, s)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(all) <= uciDev+uciTest {
		return nil, fmt.Errorf("text: uci: %d sentences, want more than %d", len(all), uciDev+uciTest)
	}
	shuffle(all, rand.NewPCG(1, 0x756369)) // "uci"
	c := &Corpus{Test: all[:uciTest], Dev: all[uciTest : uciTest+uciDev]}
	c.Train = without(all[uciTest+uciDev:], c.Test, c.Dev)
	return c, nil
}

// shuffle orders sentences by draws of raw words of PCG, whose algorithm is fixed.
func shuffle(all []Sentence, r *rand.PCG) {
	for i := len(all) - 1; i > 0; i-- {
		j := int(r.Uint64() % uint64(i+1))
		all[i], all[j] = all[j], all[i]
	}
}
