package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"qtool/bundle"
	"qtool/datasets/text"
	"qtool/verify"
)

// askView is what --text prints.
type askView struct {
	*text.Encoded
	Answer string    `json:"answer"`
	Labels []string  `json:"labels"`
	Logits []float64 `json:"logits"`
	// Bound is the stated error of the logits; null where they are exact.
	Bound     []float64  `json:"bound"`
	Reference string     `json:"integer_answer"`
	Agrees    bool       `json:"agrees"`
	Server    serverView `json:"server"`
	Seconds   askSeconds `json:"seconds"`
}

// readSentence is what was typed, or what standard input has for "-".
func readSentence(in io.Reader, typed string) (string, error) {
	if typed != "-" {
		return typed, nil
	}
	b, err := io.ReadAll(io.LimitReader(in, text.MaxBytes+1))
	return string(b), err
}

// runText encrypts one sentence that a person typed, has it evaluated, and prints
// the answer and what the server saw.
func runText(ctx context.Context, a *app, path, sentence string, o verifyOptions) error {
	f, err := bundle.ReadFile(path)
	if err != nil {
		return err
	}
	client, err := encoder(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if client == nil {
		return hinted{fmt.Errorf("%s takes inputs of shape %v and carries no vocabulary: it is not for sentences", path, f.Program.Input.Shape),
			"--text is for bundles of networks that read sentences, such as recipe sentiment-lstm-5 makes"}
	}
	encoded, err := client.Encode(sentence)
	if errors.Is(err, text.ErrEmpty) || errors.Is(err, text.ErrUnknown) {
		return hinted{err, "nothing was encrypted: there is nothing to ask"}
	}
	if err != nil {
		return err
	}
	why := ""
	if o.backend == "auto" && !f.Program.Uses(bundle.KindRecurrent) {
		o.backend, why = "pbs", "auto takes the pbs back end, which is for single inputs"
	}
	plan, err := o.plan(ctx, f.Program, 1)
	if err != nil {
		return err
	}
	if plan.Why == "" {
		plan.Why = why
	}
	bar := &batchBar{app: a, what: "one sentence"}
	x, err := ask(ctx, plan, encoded.Bytes, bar.alone)
	if err != nil {
		bar.bar.Abandon()
		return err
	}
	bar.bar.Finish()
	reference, err := bundle.NewRunner(f.Program)
	if err != nil {
		return err
	}
	want, err := reference.Run(f.Program.Input.Quantize(encoded.Bytes), nil)
	if err != nil {
		return err
	}
	out := f.Program.Output()
	label, logits := x.answer(out)
	v := askView{
		Encoded: encoded, Answer: f.Program.Labels[label], Labels: f.Program.Labels, Logits: logits,
		Reference: f.Program.Labels[out.Argmax(want)], Agrees: x.agrees(want), Server: x.server, Seconds: x.seconds,
	}
	for i, b := range x.bound {
		v.Bound = append(v.Bound, math.Abs(out.Scale[i*len(out.Scale)/len(x.bound)])*b)
	}
	if plan.Why != "" {
		v.Server.Why = append(v.Server.Why, plan.Why)
	}
	if err := a.printSentence(v); err != nil {
		return err
	}
	if !v.Agrees {
		return fmt.Errorf("%w: the integer program says %s", verify.ErrMismatch, v.Reference)
	}
	return nil
}

func (a *app) printSentence(v askView) error {
	if a.json {
		return a.encode(v)
	}
	p := &printer{w: a.stdout}
	p.f("%s\n\n", v.Answer)
	for i, l := range v.Labels {
		p.f("  %-10s %.4g", l, v.Logits[i])
		if v.Bound != nil {
			p.f(" +- %.1g", v.Bound[i])
		}
		p.f("\n")
	}
	p.f("\nThe client cut the sentence into %d words, %d of them in the vocabulary, and sent %d steps: %s.\n", v.Words, v.Known, len(v.Steps), describeSteps(v.Steps))
	p.f("The integer program on the same words in the clear says %s; its logits %s.\n", v.Reference, map[bool]string{true: "agree", false: "DIFFER"}[v.Agrees])
	s := v.Server
	p.f("\nThe server saw (%s, %d-bit security):\n", s.Backend, s.SecurityBits)
	p.f("  ciphertexts of the sentence   %s, SHA-256 %s\n", size(s.InputBytes), s.InputSHA256)
	p.f("  evaluation keys               %s\n", size(s.KeyBytes))
	p.f("  ciphertexts of the answer     %s, SHA-256 %s\n", size(s.AnswerBytes), s.AnswerSHA256)
	p.f("No word, no vector of a word, no length of the sentence, no secret key and no answer.\n")
	t := v.Seconds
	p.f("\nKeys %.1f s, encryption %.2f s, evaluation %.1f s, decryption %.3f s.\n", t.Keygen, t.Encrypt, t.Evaluate, t.Decrypt)
	return p.err
}

// describeSteps is the words of each step, at most so many characters.
func describeSteps(steps [][]string) string {
	var all []string
	for _, words := range steps {
		all = append(all, "("+strings.Join(words, " ")+")")
	}
	const most = 400
	s := []rune(strings.Join(all, " "))
	if len(s) > most {
		return string(s[:most]) + "..."
	}
	return string(s)
}
