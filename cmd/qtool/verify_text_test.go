package main

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"qtool/bundle"
	"qtool/bundle/lstmtest"
	"qtool/datasets/text"
	"qtool/encode"
	"qtool/internal/hint"
	"qtool/pipeline"
)

// sentenceBundle writes a bundle of a tiny cell with a vocabulary:
// sentencebundle FILE tables|polynomials|images.
func sentenceBundle(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: sentencebundle FILE tables|polynomials|images")
	}
	const steps, inputs = 2, 2
	shape := lstmtest.Shape{Steps: steps, Inputs: inputs, Hidden: 2}
	f := &bundle.File{Program: lstmtest.Table(shape, 20, 1)}
	bits := 4
	if args[1] == "polynomials" {
		f.Program = lstmtest.Polynomial(lstmtest.Shape{Steps: 1, Inputs: inputs, Hidden: 2}, 1, lstmtest.Variant{LinearCell: true})
		bits = 8
	}
	if args[1] != "images" {
		e := &encode.Text{
			Vocabulary: text.NewVocabulary(nil, strings.Fields(", a film funny gripping not"), 1),
			Selection:  encode.Selection{Kind: "first", Steps: f.Program.Input.Shape[0]}, Bits: bits, Dimensions: inputs,
		}
		rng := rand.New(rand.NewPCG(1, 2))
		for range e.Vocabulary.Len() * inputs {
			e.Vectors = append(e.Vectors, int16(rng.IntN(1<<bits)-1<<(bits-1)))
		}
		f.Encoder = e
	}
	ts.Check(f.WriteFile(ts.MkAbs(args[0])))
}

// Recurrent programs go to the back end that fits them, and others are refused
// with what to do.
func TestRecurrentBackends(t *testing.T) {
	shape := lstmtest.Shape{Steps: 1, Inputs: 2, Hidden: 2}
	tables, cubics := lstmtest.Table(shape, 20, 1), lstmtest.Polynomial(shape, 1, lstmtest.Variant{LinearCell: true})
	for _, c := range []struct {
		p             *bundle.Program
		backend, want string
	}{
		{tables, "auto", "pbs"}, {tables, "pbs", "pbs"}, {cubics, "auto", "packed-ckks"}, {cubics, "packed-ckks", "packed-ckks"},
	} {
		e, err := (pipeline.Encryption{Backend: c.backend}).Executor(t.Context(), c.p, 1)
		if err != nil {
			t.Fatal(err)
		}
		if b := e.Backend(); b.Name != c.want || strings.Contains(strings.Join(b.Why, "\n"), "auto takes") != (c.backend == "auto") {
			t.Errorf("%s: %s, %q", c.backend, b.Name, b.Why)
		}
	}
	for _, backend := range []string{"bgv", "packed-bgv"} {
		if _, err := (pipeline.Encryption{Backend: backend}).Executor(t.Context(), tables, 1); err == nil || !strings.Contains(err.Error(), "no form of recurrent programs") || hint.Of(err) == "" {
			t.Errorf("%s: %v", backend, err)
		}
	}
	if _, err := (pipeline.Encryption{Backend: "packed-ckks"}).Executor(t.Context(), tables, 1); err == nil || exitCode(err) != exitInsecure || hint.Of(err) == "" {
		t.Errorf("tables by CKKS: %v, exit code %d", err, exitCode(err))
	}
	if e, err := (pipeline.Encryption{Backend: pipeline.BackendNone}).Executor(t.Context(), tables, 1); e != nil || err != nil {
		t.Errorf("none: %v, %v", e, err)
	}
}

// Whatever is typed: an answer or an error, and never a panic.
func TestOddSentences(t *testing.T) {
	for name, s := range map[string]string{"NUL": "a\x00film", "controls": "\x1b[31ma film", "one long word": strings.Repeat("a", 1<<16)} {
		e := &encode.Text{Vocabulary: text.NewVocabulary(nil, []string{"a", "film"}, 1), Selection: encode.Selection{Kind: "first", Steps: 2}, Bits: 4, Dimensions: 1, Vectors: make([]int16, 2)}
		if _, err := e.Sentence(s); err != nil && strings.Contains(err.Error(), s) {
			t.Errorf("%s: the error repeats what was typed", name)
		}
	}
	if got := len([]rune(describeSteps([][]string{{strings.Repeat("é", 1000)}}))); got > 403 {
		t.Errorf("%d characters are printed", got)
	}
}
