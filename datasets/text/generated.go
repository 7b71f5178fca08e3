package text

import (
	"context"
	"math/rand/v2"

	"qtool/datasets"
	"qtool/encode"
)

// Words of the generated sentences, by what they say.
var (
	praise    = []string{"good", "great", "funny", "moving", "gripping", "warm", "clever", "charming", "fresh", "lovely"}
	blame     = []string{"bad", "dull", "boring", "clumsy", "tired", "flat", "silly", "tedious", "weak", "awful"}
	subjects  = []string{"film", "story", "cast", "script", "music", "ending", "dialogue", "picture"}
	openings  = []string{"the", "this", "its"}
	amplifier = []string{"very", "really", "quite", "so"}
	asides    = []string{"in the end", "for me", "as they say", "on the whole", "after all"}
)

// Sizes of the generated corpus.
const generatedTrain, generatedDev, generatedTest = 3000, 300, 300

// loadGenerated writes short reviews by a small grammar. A clause praises or
// blames; "not" or "never" before the word turns it round, so that counting words
// is not enough; of two clauses joined by "but" the second decides.
func loadGenerated(context.Context, datasets.Options) (*Corpus, error) {
	g := generator{rand.NewPCG(1, 0x73656e74)} // "sent"
	all := make([]Sentence, generatedTrain+generatedDev+generatedTest)
	for i := range all {
		all[i] = g.sentence()
	}
	c := &Corpus{Test: all[:generatedTest], Dev: all[generatedTest : generatedTest+generatedDev]}
	c.Train = without(all[generatedTest+generatedDev:], c.Test, c.Dev)
	return c, nil
}

// generator takes only raw words of PCG, whose algorithm is fixed.
type generator struct{ pcg *rand.PCG }

func (g generator) below(n int) int           { return int(g.pcg.Uint64() % uint64(n)) }
func (g generator) one(words []string) string { return words[g.below(len(words))] }

func (g generator) sentence() Sentence {
	label := uint8(g.below(2))
	var words []string
	if g.below(3) == 0 {
		words = append(g.clause(nil, 1-label), ",", "but")
	}
	words = g.clause(words, label)
	if g.below(2) == 0 {
		aside, _ := encode.Tokenize(g.one(asides)) // plain ASCII
		words = append(words, aside...)
	}
	return Sentence{append(words, "."), label}
}

func (g generator) clause(words []string, label uint8) []string {
	words = append(words, g.one(openings), g.one(subjects), "is")
	turned := g.below(4) == 0
	if turned {
		words = append(words, g.one([]string{"not", "never"}))
	} else if g.below(2) == 0 {
		words = append(words, g.one(amplifier))
	}
	if (label == 1) != turned {
		return append(words, g.one(praise))
	}
	return append(words, g.one(blame))
}
