package report

import (
	"fmt"

	"qtool/verify"
)

// verdict is the run in one sentence. Kind is "good", "bad", "part" (good, of a
// part of the test set) or "open" (nothing to judge).
type verdict struct{ Kind, Mark, Sentence, Detail string }

func (in *Input) verdict() verdict {
	r := in.Report
	switch {
	case in.judged().Encrypted == nil:
		return verdict{"open", "–", "Nothing was encrypted.", in.unencrypted()}
	case in.judged().Integer == nil:
		return verdict{"open", "–", in.encrypted() + "; there is no integer reference to compare with.", ""}
	case r.Precision != nil:
		return in.approximate()
	case r.LogitMismatches > 0 && r.LogitMismatches == r.Explained && r.Lookups != nil && verify.CheckLookups(r.Lookups) == nil:
		v := verdict{Kind: "part", Mark: "✓", Sentence: fmt.Sprintf("%s; %s from the integer reference, all in %s with a wrong entry.", in.encrypted(), in.mismatches(), in.unit().Many)}
		v.Detail = fmt.Sprintf("%s decryption failures in %s look-ups, where %.2g were expected.", number(r.Lookups.Missed), number(r.Lookups.Done), r.Lookups.Expected)
		return v
	case r.LogitMismatches > 0:
		v := verdict{Kind: "bad", Mark: "✗"}
		v.Sentence = fmt.Sprintf("%s; %s from the integer reference.", in.encrypted(), in.mismatches())
		if m := r.FirstMismatch; m != nil {
			v.Detail = fmt.Sprintf("The first is logit %d of %s %d: integer %s, encrypted %s.", m.Logit, in.unit().One, m.Image, m.Want, m.Got)
		}
		return v
	}
	v := verdict{Kind: "good", Mark: "✓", Sentence: in.encrypted() + "; every logit equals the integer reference."}
	if n := in.logits(); n > 0 {
		v.Sentence = fmt.Sprintf("%s; every one of %s logits equals the integer reference.", in.encrypted(), number(n))
	}
	if rest := r.TestImages - in.encryptedImages(); rest > 0 {
		v.Kind = "part"
		v.Detail = fmt.Sprintf("A partial run: it says nothing of the other %s.", in.count(rest))
		if in.partly() {
			v.Detail = in.clearOnly()
		}
	}
	return v
}

// approximate judges outputs that have an error by design: by its stated bound.
func (in *Input) approximate() verdict {
	p := in.Report.Precision
	flips := plural(len(p.Flips), "answer differs", "answers differ")
	v := verdict{Kind: "good", Mark: "✓", Sentence: fmt.Sprintf("%s; every logit is within its stated error of the integer reference, and %s.", in.encrypted(), flips)}
	v.Detail = fmt.Sprintf("The back end is approximate, so that logits are not compared for equality: the worst error is 2^-%s of the largest logit.", fixed(p.Bits, 1))
	if p.Outside > 0 {
		v.Kind, v.Mark = "bad", "✗"
		v.Sentence = fmt.Sprintf("%s; %s further from the integer reference than stated.", in.encrypted(), plural(p.Outside, "logit is", "logits are"))
	} else if in.Report.TestImages > in.encryptedImages() {
		v.Kind = "part"
	}
	if in.partly() {
		v.Detail += " " + in.clearOnly()
	}
	return v
}

// clearOnly says how many images were answered and not encrypted.
func (in *Input) clearOnly() string {
	n := in.images() - in.encryptedImages()
	verb := "were"
	if n == 1 {
		verb = "was"
	}
	return fmt.Sprintf("%s more %s answered in the clear only.", number(n), verb)
}

// encrypted is "10,000 images encrypted", or how many of how many.
func (in *Input) encrypted() string {
	n, all := in.encryptedImages(), in.Report.TestImages
	if n < all {
		return fmt.Sprintf("The first %s of %s test %s encrypted", number(n), number(all), in.unit().Many)
	}
	return in.count(n) + " encrypted"
}

func (in *Input) mismatches() string {
	verb := "differ"
	if in.Report.LogitMismatches == 1 {
		verb = "differs"
	}
	if n := in.logits(); n > 0 {
		return fmt.Sprintf("%s of %s logits %s", number(in.Report.LogitMismatches), number(n), verb)
	}
	return plural(in.Report.LogitMismatches, "logit", "logits") + " " + verb
}

// unencrypted says how far a run without encryption came.
func (in *Input) unencrypted() string {
	a := in.judged()
	switch {
	case in.Report.Simulated != nil:
		s := in.Report.Simulated
		return fmt.Sprintf("The back end %s was simulated: %s of %s, %s.", s.Backend, percent(s.Accuracy), in.count(s.Images), plural(s.Failures, "failure", "failures"))
	case a.Integer != nil:
		return "The integer program answered; verification under encryption is still to be done."
	case a.Float != nil:
		return "This run ends with the float network: there is no integer program to encrypt."
	}
	return "No stage of the ladder was run."
}

// logits is how many numbers were compared; 0 where that is not known.
func (in *Input) logits() int {
	if in.Bundle == nil {
		return 0
	}
	return in.encryptedImages() * len(in.Bundle.Program.Labels)
}

// tile is one figure of the headline.
type tile struct{ Name, Value, Note string }

func (in *Input) tiles() []tile {
	r := in.Report
	var tiles []tile
	for _, stage := range in.ladderStages() {
		switch x := in.judged().Stage(stage.Name); {
		case stage.Accuracy != nil:
			lo, hi := wilson(in.rightOf(stage), in.imagesOf(stage))
			tiles = append(tiles, tile{stage.Name + " accuracy", percent(*stage.Accuracy), fmt.Sprintf("%s to %s (95 %%)", fixed(100*lo, 2), fixed(100*hi, 2))})
		case x != nil:
			tiles = append(tiles, tile{stage.Name + " " + in.metric().Title, in.metric().Format(*x), "on " + in.count(in.imagesOf(stage))})
		}
	}
	last := 1
	if in.partly() {
		last = 2 // the integer stage has the accuracy, the encrypted one a sample of it
		if t, x := &tiles[len(tiles)-1], in.judged().IntegerOnEncrypted; x != nil {
			t.Note = fmt.Sprintf("of %s; the integers' on these: %s", in.count(in.encryptedImages()), in.figure(*x))
		}
	}
	if n := len(tiles); n > last+1 {
		tiles = append(tiles[:1], tiles[n-last:]...)
	}
	b := r.Backend
	if b == nil || in.judged().Encrypted == nil {
		return tiles
	}
	tiles = append(tiles, tile{"security", fmt.Sprintf("%d bits", b.SecurityBits), fmt.Sprintf("N = %s, log QP = %s", power(b.LogN), fixed(b.LogQP, 0))})
	if b.NoiseBitsLeft != 0 || b.PredictedBits != 0 {
		tiles = append(tiles, tile{"noise budget left", fixed(b.NoiseBitsLeft, 1) + " bits", fixed(b.PredictedBits, 1) + " predicted"})
	}
	if s := r.Seconds.Encrypted(); s > 0 {
		tiles = append(tiles, tile{"time " + in.unit().A(), duration(s / float64(max(in.encryptedImages(), 1))), duration(s) + " in all"})
	}
	return tiles
}

// rightOf counts a stage's right answers.
func (in *Input) rightOf(r ladderStage) int {
	if r.Answers != nil {
		return right(in.Report.Answers.Labels, r.Answers)
	}
	return int(*r.Accuracy*float64(in.imagesOf(r)) + 0.5)
}

// final is the last stage that answered every image.
func (in *Input) final() (name string, answers verify.Predictions) {
	for _, r := range in.ladderStages() {
		if len(r.Answers) > 0 && len(r.Answers) == in.images() {
			name, answers = r.Name, r.Answers
		}
	}
	return name, answers
}
