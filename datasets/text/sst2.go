package text

import (
	"context"
	"fmt"
	"strings"

	"qtool/datasets"
)

// sst2Files are the phrases and sentences of GLUE's training set, and the dev and
// test sentences.
var sst2Files = []datasets.File{
	{Name: "sst2/glue/train.tsv", Size: 3806075, SHA256: "5c47819a1d04cfabc7afcc79a919c97b0b367101ad42d3ff148d67bf501384c2"},
	{Name: "sst2/sentences/stsa.binary.dev", Size: 94400, SHA256: "02fedc82855dbdcabe82c65ed1af6c6570788eaac51073cdb35ee8c7784426d1"},
	{Name: "sst2/sentences/stsa.binary.test", Size: 193562, SHA256: "6a80dc9b9a0db2d3b37f2f809304febad31c90ab67a5b4157b7d9f881c53ef5b"},
}

// loadSST2 reads the two-class Stanford Sentiment Treebank. Its training split is
// GLUE's, phrases and sentences, without any that equals a dev or test sentence.
//
// Reference: Socher et al., "Recursive Deep Models for Semantic Compositionality
// Over a Sentiment Treebank", EMNLP 2013.
func loadSST2(ctx context.Context, o datasets.Options) (*Corpus, error) {
	parts, err := datasets.ReadFiles(ctx, "sentiment", sst2Files, o)
	if err != nil {
		return nil, err
	}
	c := &Corpus{}
	if c.Train, err = parseTSV(sst2Files[0].Name, parts[0]); err != nil {
		return nil, err
	}
	if c.Dev, err = parseSentences(sst2Files[1].Name, parts[1]); err != nil {
		return nil, err
	}
	if c.Test, err = parseSentences(sst2Files[2].Name, parts[2]); err != nil {
		return nil, err
	}
	c.Train = without(c.Train, c.Dev, c.Test)
	return c, nil
}

// parseTSV reads GLUE's form: a header line, then sentence TAB label.
func parseTSV(name string, b []byte) ([]Sentence, error) {
	var all []Sentence
	err := lines(name, b, func(line int, l string) error {
		text, label, ok := strings.Cut(l, "\t")
		if line == 1 {
			if text != "sentence" || label != "label" {
				return fmt.Errorf("header %q, want sentence TAB label", l)
			}
			return nil
		}
		if !ok {
			return fmt.Errorf("no TAB")
		}
		s, err := labelled(text, label)
		all = append(all, s)
		return err
	})
	return all, err
}

// parseSentences reads the form label SPACE sentence.
func parseSentences(name string, b []byte) ([]Sentence, error) {
	var all []Sentence
	err := lines(name, b, func(_ int, l string) error {
		label, text, ok := strings.Cut(l, " ")
		if !ok {
			return fmt.Errorf("no space after the label")
		}
		s, err := labelled(text, label)
		all = append(all, s)
		return err
	})
	return all, err
}

// without drops the sentences of all that are in one of the others too.
func without(all []Sentence, others ...[]Sentence) []Sentence {
	seen := map[string]bool{}
	for _, split := range others {
		for _, s := range split {
			seen[s.String()] = true
		}
	}
	kept := all[:0]
	for _, s := range all {
		if !seen[s.String()] {
			kept = append(kept, s)
		}
	}
	return kept
}
