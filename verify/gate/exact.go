package gate

import (
	"fmt"
	"math/big"

	"qtool/verify"
)

// mismatches wants every encrypted logit equal to the integer reference's, but for
// logits of samples with a wrong entry; see precision for back ends that are
// not exact.
func (c *checker) mismatches() {
	if c.approximate() {
		c.skip("The back end is approximate, so that no logit is equal: precision and flips-integer-encrypted decide.", "mismatches")
		return
	}
	if r := c.r; r.Lookups != nil && r.Explained > 0 && r.Explained == r.LogitMismatches {
		c.add("mismatches", Pass, "0 unexplained", fmt.Sprintf("%d, all explained", r.LogitMismatches), fmt.Sprintf(
			"Encrypted logits differ only in the %s with a wrong entry.", c.noun.Count(len(r.Lookups.FailedSamples))))
		return
	}
	got := fmt.Sprint(c.r.LogitMismatches)
	if m := c.r.FirstMismatch; m != nil {
		got += fmt.Sprintf(", first at %s %d, logit %d: %s for %s", c.noun.One, m.Image, m.Logit, m.Got, m.Want)
	}
	c.check("mismatches", c.r.LogitMismatches == 0 && c.r.FirstMismatch == nil, "0", got,
		"Every encrypted logit is the integer reference's.",
		"Encrypted logits differ from the integer reference: the parameters or the executor are wrong.")
}

// lookups wants no more decryption failures than the noise of look-ups
// explains. Reports of other back ends have no such check.
func (c *checker) lookups() {
	l := c.r.Lookups
	if l == nil {
		return
	}
	err := verify.CheckLookups(l)
	c.check("lookups", err == nil, fmt.Sprintf("about %.3g decryption failures", l.Expected), fmt.Sprintf("%d decryption failures", l.Missed),
		fmt.Sprintf("Of %d look-ups and logits no more failed to decrypt than the predicted noise explains.", l.Done),
		fmt.Sprintf("There are more decryption failures than the predicted noise explains: %v.", err))
}

// modulus wants the plaintext primes to carry the static bound [lo, hi] of the output:
//
//	prod t_i > hi - lo,   t_i prime and distinct
//
// Look-ups by blind rotation have a message space instead, which must have as many
// values. An exact report without either fails; an approximate one carries reals, and
// has no such modulus.
//
// Residues of the output then stand for one integer each. Ranges in between may
// wrap around, since the ring homomorphism brings the output back.
func (c *checker) modulus() {
	t := c.r.Backend.PlaintextModuli
	if c.approximate() && len(t) == 0 {
		c.skip("The back end is approximate and carries reals: there is no plaintext modulus.", "modulus")
		return
	}
	if len(c.r.Layers) == 0 {
		c.check("modulus", false, "the static bound of the output", "no layer", "", "The report names no layer, so that nothing says how large the output is.")
		return
	}
	output := c.r.Layers[len(c.r.Layers)-1]
	width := new(big.Int).Sub(output.Range.Hi, output.Range.Lo)
	if space := c.r.Backend.TorusSlots; space > 0 && len(t) == 0 {
		c.check("modulus", big.NewInt(int64(space)).Cmp(width) > 0, fmt.Sprintf("above %v values", width), fmt.Sprint(space),
			"The message space carries the static bound of the output.",
			fmt.Sprintf("The message space is too small for the static bound %v of the output %q: some input wraps around.", output.Range, output.Name))
		return
	}
	product, seen := big.NewInt(1), map[uint64]bool{}
	for _, p := range t {
		prime := new(big.Int).SetUint64(p)
		if seen[p] || !prime.ProbablyPrime(20) {
			c.check("modulus", false, "distinct primes", fmt.Sprint(t), "", "The plaintext moduli are not distinct primes, so that their product says nothing.")
			return
		}
		seen[p] = true
		product.Mul(product, prime)
	}
	c.check("modulus", product.Cmp(width) > 0, fmt.Sprintf("above %v (%d bits)", width, width.BitLen()), fmt.Sprintf("%v (%d bits)", product, product.BitLen()),
		"The plaintext modulus carries the static bound of the output.",
		fmt.Sprintf("The plaintext modulus is too small for the static bound %v of the output %q: some input wraps around.", output.Range, output.Name))
}

// exact compares what must be the same for the same bundle.
func (c *checker) exact(paired bool) {
	same := c.r.BundleSHA256 == c.e.BundleSHA256
	switch {
	case !same && c.e.Bundle == Free:
		c.add("bundle", Info, c.e.BundleSHA256, c.r.BundleSHA256,
			"The bundle is not the baseline's, which the baseline allows (bundle: free): accuracy and budgets decide.")
	default:
		c.check("bundle", same, c.e.BundleSHA256, c.r.BundleSHA256,
			"The bundle is the baseline's, byte for byte.",
			"The bundle is not the baseline's: some weight, quantizer or proof changed. If it was meant to, look at the other checks and update the baseline.")
	}
	c.logits(same)
	c.predictions(same, paired)
	c.ranges(same)
}

func (c *checker) logits(same bool) {
	switch {
	case !same:
		c.skip("Another bundle has other logits.", "logits")
	case c.Sample && c.answered() < c.r.TestImages:
		c.skip("The hash is of the whole test set's logits, and only a sample was run.", "logits")
	default:
		c.check("logits", c.r.IntegerLogitsSHA256 == c.e.IntegerLogitsSHA256, c.e.IntegerLogitsSHA256, c.r.IntegerLogitsSHA256,
			"All integer logits are the baseline's.",
			fmt.Sprintf("The same bundle gave other integer logits: the integer reference or the reading of the %s changed.", c.noun.Many))
	}
}

func (c *checker) predictions(same, paired bool) {
	switch {
	case !same:
		c.skip("Another bundle may answer otherwise; the accuracy checks compare.", "predictions")
	case !paired:
		c.skip(c.unpaired(), "predictions")
	case c.regression():
		c.sameValues()
	default:
		// A bundle names its float checkpoint by hash, so that the float stage must
		// be the same too.
		got := c.r.Answers.Integer
		n := differences(got, c.e.Predictions.Integer[:len(got)])
		if f := c.r.Answers.Float; f != nil && c.e.Predictions.Float != nil {
			n += differences(f, c.e.Predictions.Float[:len(f)])
		}
		c.check("predictions", n == 0, "0 other answers", fmt.Sprintf("%d other answers", n),
			"Every integer and float answer is the baseline's.",
			"The same bundle answers otherwise: the report or the baseline was altered, or the evaluation changed.")
	}
}

// ranges compares the proofs layer by layer. With bundle: free another bundle's
// ranges are information.
func (c *checker) ranges(same bool) {
	want, got, n := c.firstRange()
	pass, fail := "The static bound of every layer is the baseline's.", fmt.Sprintf("%d layer(s) are not the baseline's; the first is shown.", n)
	if n > 0 && !same && c.e.Bundle == Free {
		c.add("ranges", Info, want, got, fail)
		return
	}
	c.check("ranges", n == 0, want, got, pass, fail)
}

// firstRange is the first layer that differs, as the baseline and as the report
// have it, and how many differ.
func (c *checker) firstRange() (want, got string, n int) {
	base, layers := c.e.Layers, layersOf(c.r)
	for i := range max(len(base), len(layers)) {
		if w, g := describeLayer(base, i), describeLayer(layers, i); w != g {
			if n++; n == 1 {
				want, got = w, g
			}
		}
	}
	if n == 0 {
		want = fmt.Sprintf("%d layer(s)", len(base))
		got = want
	}
	return want, got, n
}

// describeLayer is layer i in words, for comparing and printing.
func describeLayer(layers []Layer, i int) string {
	if i >= len(layers) {
		return "no layer"
	}
	return fmt.Sprintf("%s %s %v", layers[i].Name, layers[i].Op, layers[i].Range)
}
