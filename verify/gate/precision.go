package gate

import (
	"fmt"

	"qtool/internal/elementary"
)

// approximate says whether the report is of a back end whose logits are reals
// with a stated error.
func (c *checker) approximate() bool { return c.r.Precision != nil && c.r.Backend.Approximate }

// precision wants every output within its stated bound, and the worst error as
// small as the budget says.
func (c *checker) precision() {
	if !c.approximate() {
		return
	}
	p, limit := c.r.Precision, c.e.Budgets.MinPrecisionBits
	got := fmt.Sprintf("%s bits, %d outside", decimal(p.Bits), p.Outside)
	switch {
	case p.Outside != 0 || p.FirstOutside != nil || !(p.WorstShare <= 1):
		c.add("precision", Fail, "0 outside", got, "Outputs are farther from the integer reference than the stated bound: the parameters, the noise model or the executor are wrong.")
	case p.DecidedFlips != 0:
		c.add("precision", Fail, "0 outside", got, fmt.Sprintf("%d answers differ from the integer program's that were said to be decided: more than inputs like calibration's can explain.", p.DecidedFlips))
	case limit == nil:
		c.add("precision", Pass, "0 outside", got, "Every output is within its stated bound. "+noBudget)
	default:
		c.check("precision", p.Bits >= *limit, fmt.Sprintf("at least %s bits, 0 outside", decimal(*limit)), got,
			"Every output is within its stated bound, and the worst error as small as demanded.",
			"Every output is within its stated bound, but the worst error is larger than demanded.")
	}
}

// encryptedFlips wants no more answers flipped by an approximate back end than
// the budget says, none without one.
func (c *checker) encryptedFlips() {
	const name = "flips-integer-encrypted"
	if !c.approximate() {
		return // mismatches decides
	}
	limit, got := int64(0), c.r.ArgmaxFlips.IntegerEncrypted
	if b := c.e.Budgets.MaxFlipsIntegerEncrypted; b != nil {
		limit = *b
	}
	why := fmt.Sprintf("%d of %d encrypted answers are not the integer program's", got, c.r.Images)
	widest := float32(0)
	for _, f := range c.r.Precision.Flips {
		widest = max(widest, f.Margin)
	}
	if got > 0 {
		why += fmt.Sprintf("; the largest margin among them is %.2g of the largest logit", widest)
	}
	c.check(name, int64(got) <= limit, fmt.Sprintf("at most %d", limit), fmt.Sprint(got), why+".", why+".")
}

// listedFlips is what is wrong with the list of an approximate report's flips, ""
// for nothing: they are those that the answers give, with their margins, and none
// has a margin that the stated worst error could not have turned:
//
//	margin <= 2 worst error / largest logit = 2^(1 - bits)
//
// as both logits are off by that at most. Margins are in units of the largest logit
// of all samples, the bits in units of the largest of the encrypted samples, which is no
// larger.
func (c *checker) listedFlips() string {
	a, p := &c.r.Answers, c.r.Precision
	k := 0
	for i := range a.Encrypted {
		if a.Integer[i] == a.Encrypted[i] {
			continue
		}
		if k >= len(p.Flips) {
			return fmt.Sprintf("precision.flips lacks %s %d, whose answers differ", c.noun.One, i)
		}
		f := p.Flips[k]
		k++
		switch {
		case f.Image != i || f.Integer != a.Integer[i] || f.Encrypted != a.Encrypted[i]:
			return fmt.Sprintf("precision.flips has %[7]s %[1]d answering %[2]d and %[3]d, the answers have %[7]s %[4]d, %[5]d and %[6]d", f.Image, f.Integer, f.Encrypted, i, a.Integer[i], a.Encrypted[i], c.noun.One)
		case len(a.Margins) > 0 && f.Margin != a.Margins[i]:
			return fmt.Sprintf("%s %d flips at a margin of %v, its margin is %v", c.noun.One, i, f.Margin, a.Margins[i])
		case float64(f.Margin) > elementary.Exp2(1-p.Bits)*(1+1e-6):
			return fmt.Sprintf("%s %d flips at a margin of %v, which %v bits of precision exclude", c.noun.One, i, f.Margin, p.Bits)
		}
	}
	if k < len(p.Flips) {
		return fmt.Sprintf("precision.flips has %s %d, whose answers do not differ", c.noun.One, p.Flips[k].Image)
	}
	return ""
}
