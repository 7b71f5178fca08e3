package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/encode"
	"qtool/internal/hint"
	"qtool/verify"
)

// AskOptions are a sentence and the bundle that is to answer it.
type AskOptions struct {
	Env
	Encryption
	Bundle   string // path
	Sentence string
}

// Answer is what an encrypted sentence was answered.
type Answer struct {
	*encode.Encoded
	Answer string    `json:"answer"`
	Labels []string  `json:"labels"`
	Logits []float64 `json:"logits"`
	// Bound is the stated error of the logits; null where they are exact.
	Bound     []float64  `json:"bound"`
	Reference string     `json:"integer_answer"`
	Agrees    bool       `json:"agrees"`
	Server    ServerView `json:"server"`
	Seconds   AskSeconds `json:"seconds"`
}

// Ask encrypts one sentence, has it evaluated, and decrypts the answer. The answer comes
// with an error that wraps verify.ErrMismatch where the integer program says otherwise;
// with any other error there is none. Nothing is encrypted of a sentence without any word
// that the bundle knows.
func Ask(ctx context.Context, o AskOptions) (*Answer, error) {
	f, err := bundle.ReadFile(o.Bundle)
	if err != nil {
		return nil, err
	}
	client, ok := f.Encoder.(*encode.Text)
	if !ok {
		return nil, hint.With(fmt.Errorf("%s takes inputs of shape %v and carries no vocabulary: it is not for sentences", o.Bundle, f.Program.Input.Shape),
			"--text is for bundles of networks that read sentences, such as recipe sentiment-lstm-5 makes")
	}
	encoded, err := client.Sentence(o.Sentence)
	if errors.Is(err, encode.ErrEmpty) || errors.Is(err, encode.ErrUnknown) {
		return nil, hint.With(err, "nothing was encrypted: there is nothing to ask")
	}
	if err != nil {
		return nil, err
	}
	why := ""
	if o.Backend == "auto" && !f.Program.Uses(bundle.KindRecurrent) {
		o.Backend, why = "pbs", "auto takes the pbs back end, which is for single inputs"
	}
	plan, err := o.Plan(ctx, f.Program, 1)
	if err != nil {
		return nil, err
	}
	if plan.Why == "" {
		plan.Why = why
	}
	bar := &batchBar{env: &o.Env, what: "one sentence"}
	sample, err := f.Sample([]byte(o.Sentence))
	if err != nil {
		return nil, err
	}
	x, err := ask(ctx, f, plan, sample, bar.alone)
	bar.end(err)
	if err != nil {
		return nil, err
	}
	reference, err := bundle.NewRunner(f.Program)
	if err != nil {
		return nil, err
	}
	want, err := reference.Run(sample.Vec(), nil)
	if err != nil {
		return nil, err
	}
	out := f.Program.Output()
	label, logits := x.answer(out)
	a := &Answer{
		Encoded: encoded, Answer: f.Program.Labels[label], Labels: f.Program.Labels, Logits: logits,
		Reference: f.Program.Labels[out.Argmax(want)], Agrees: x.agrees(want), Server: x.server, Seconds: x.seconds,
	}
	for i, b := range x.bound {
		a.Bound = append(a.Bound, math.Abs(out.Scale[i*len(out.Scale)/len(x.bound)])*b)
	}
	if plan.Why != "" {
		a.Server.Why = append(a.Server.Why, plan.Why)
	}
	if !a.Agrees {
		return a, fmt.Errorf("%w: the integer program says %s", verify.ErrMismatch, a.Reference)
	}
	return a, nil
}
