package gate

import (
	"fmt"
	"math"
	"strconv"
)

// budgets compares costs and qualities with the entry's limits.
func (c *checker) budgets() {
	r, b := c.r, &c.e.Budgets
	c.flips("flips-float-integer", b.MaxFlipsFloatInteger, r.Accuracy.Float != nil, r.ArgmaxFlips.FloatInteger, "float")
	c.flips("flips-quantized-integer", b.MaxFlipsQuantizedInteger, r.Accuracy.Quantized != nil, r.ArgmaxFlips.QuantizedInteger, "quantized")
	c.encryptedFlips()
	switch {
	case r.Lookups != nil:
		c.skip("The noise of look-ups is judged by how many fail to decrypt.", "noise")
	case c.approximate():
		c.skip("An approximate back end has precision in the place of a noise budget.", "noise")
	default:
		c.atLeast("noise", b.MinNoiseBitsLeft, r.Backend.NoiseBitsLeft, "The noise budget left, in bits,")
	}
	c.atLeast("security", asFloat(b.MinSecurityBits), float64(r.Backend.SecurityBits), "The security of the parameters, in bits,")
	if r.Bytes.Bundle <= 0 {
		c.add("bundle-bytes", Fail, "a size", fmt.Sprint(r.Bytes.Bundle), "The report doesn't tell the bundle's size.")
	} else {
		c.atMost("bundle-bytes", b.MaxBundleBytes, r.Bytes.Bundle, "The bundle is")
	}
	c.atMost("key-bytes", b.MaxKeyBytes, r.Bytes.Keys, "The evaluation keys are")
	if r.Bytes.CiphertextIn <= 0 || r.Bytes.CiphertextOut <= 0 {
		c.add("ciphertext-bytes", Fail, "two sizes", fmt.Sprintf("%d in, %d out", r.Bytes.CiphertextIn, r.Bytes.CiphertextOut), "The report doesn't tell the ciphertexts' sizes.")
	} else {
		c.atMost("ciphertext-bytes", b.MaxCiphertextBytes, r.Bytes.CiphertextIn+r.Bytes.CiphertextOut, "Ciphertexts of a full batch, in and out, are")
	}
	c.slowdown()
}

const noBudget = "The baseline sets no budget."

func (c *checker) flips(name string, limit *int64, ran bool, got int, stage string) {
	switch {
	case limit == nil:
		c.add(name, Skip, "", fmt.Sprint(got), noBudget)
	case !ran:
		c.add(name, Fail, fmt.Sprintf("at most %d", *limit), "stage not run",
			"The baseline has a budget and the report lacks the stage: keep the checkpoints beside the bundle.")
	default:
		why := fmt.Sprintf("The integer program answers %d of %d %s otherwise than the %s network.", got, c.answered(), c.noun.Many, stage)
		c.check(name, int64(got) <= *limit, fmt.Sprintf("at most %d", *limit), fmt.Sprint(got), why, why)
	}
}

func (c *checker) atMost(name string, limit *int64, got int64, what string) {
	if limit == nil {
		c.add(name, Skip, "", fmt.Sprint(got), noBudget)
		return
	}
	c.check(name, got >= 0 && got <= *limit, fmt.Sprintf("at most %d", *limit), fmt.Sprint(got),
		what+" within the budget of bytes.", fmt.Sprintf("%s %d bytes over the budget.", what, got-*limit))
}

func (c *checker) atLeast(name string, limit *float64, got float64, what string) {
	if limit == nil {
		c.add(name, Skip, "", decimal(got), noBudget)
		return
	}
	c.check(name, got >= *limit, "at least "+decimal(*limit), decimal(got),
		what+" is as large as demanded.", what+" is smaller than demanded.")
}

// slowdown is a ratio of times of one machine, so that it compares between
// machines; still a loaded one moves it, and unless EnforceSlowdown it is
// information.
func (c *checker) slowdown() {
	b, s := &c.e.Budgets, &c.r.Seconds
	switch {
	case c.Sample:
		c.skip(fmt.Sprintf("A batch takes as long for a few %s as for many: the ratio of a sample says nothing.", c.noun.Many), "slowdown")
		return
	case c.r.Images < c.answered():
		c.skip(fmt.Sprintf("Fewer %s were encrypted than the integer reference answered: the ratio of their times says nothing.", c.noun.Many), "slowdown")
		return
	case !(s.Integer > 0 && s.Encrypted() > 0):
		if b.EnforceSlowdown {
			c.add("slowdown", Fail, "two times", "none", "The report doesn't tell the times that the budget is about.")
		} else {
			c.skip("The report doesn't tell both times.", "slowdown")
		}
		return
	}
	got := s.Encrypted() / s.Integer
	why := fmt.Sprintf("The encrypted run takes %s times as long as the integer reference.", decimal(got))
	switch {
	case b.MaxSlowdown == nil:
		c.add("slowdown", Skip, "", decimal(got), noBudget)
	case !b.EnforceSlowdown:
		c.add("slowdown", Info, "at most "+decimal(*b.MaxSlowdown), decimal(got), why+" The budget is not enforced.")
	default:
		c.check("slowdown", got <= *b.MaxSlowdown, "at most "+decimal(*b.MaxSlowdown), decimal(got), why, why)
	}
}

func asFloat(v *int64) *float64 {
	if v == nil {
		return nil
	}
	f := float64(*v)
	return &f
}

// decimal rounds down to one place: a limit that is just missed never looks met.
func decimal(x float64) string {
	return strconv.FormatFloat(math.Floor(10*x)/10, 'f', -1, 64)
}
