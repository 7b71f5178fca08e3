package pbs

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"qtool/kernel/cpu"
	"qtool/verify/he/security"
)

// What the search tries, and the largest evaluation keys that it takes.
const (
	minLogN, maxLogN = 10, 15
	maxLogSmall      = 30
	maxKeyBytes      = 8 << 30
)

// search finds the parameters of the fastest look-up.
type search struct {
	layers []layer
	target float64 // log2 of an image's failure probability
	// closest is the one with the least failures among the secure candidates that
	// would be faster than what was taken; for explanations.
	closest *ParametersLiteral
}

// run returns the candidate of least predicted time that keeps the target.
func (s *search) run() (ParametersLiteral, error) {
	all := candidates()
	slices.SortStableFunc(all, func(a, b ParametersLiteral) int { return cmp.Compare(a.nanoseconds(), b.nanoseconds()) })
	least := math.Inf(1)
	for i := range all {
		c := &all[i]
		_, failures := c.budget(s.layers)
		if log2Probability(failures) <= s.target {
			return *c, nil
		}
		if failures < least {
			least, s.closest = failures, c
		}
	}
	return ParametersLiteral{}, s.insufficient(s.closest)
}

// check says whether given parameters keep the target.
func (s *search) check(l *ParametersLiteral) error {
	if _, failures := l.budget(s.layers); !(log2Probability(failures) <= s.target) {
		return s.insufficient(l)
	}
	return nil
}

// insufficient names the layers and how far the parameters are from carrying
// them.
func (s *search) insufficient(l *ParametersLiteral) error {
	stages, failures := l.budget(s.layers)
	var lines []string
	for i := range s.layers {
		la := &s.layers[i]
		lines = append(lines, fmt.Sprintf("layer %q: %d slots, %d outputs, 2^%.1f failures", la.name, 2*la.slots, la.n, log2Probability(stages[i].failures)))
	}
	return fmt.Errorf("pbs: an image would fail with probability 2^%.1f where 2^%.1f is the limit, at %v (%s): %w",
		min(0, log2Probability(failures)), s.target, l, strings.Join(lines, "; "), ErrInsufficient)
}

// candidates are secure parameters: all ring degrees and narrow moduli, and the
// gadgets of least noise for each number of digits.
func candidates() []ParametersLiteral {
	var all []ParametersLiteral
	for logN := minLogN; logN <= maxLogN; logN++ {
		limit, _ := security.MaxLogQP(logN)
		widths := []int{}
		for _, w := range []int{int(limit), 50, 58} {
			if w <= int(limit) && w <= 58 && !slices.Contains(widths, w) {
				widths = append(widths, w)
			}
		}
		for _, logQ := range widths {
			for levels := 1; levels <= 4; levels++ {
				for logSmall := logN + 2; logSmall <= maxLogSmall; logSmall++ {
					for sl := 1; sl <= 12 && sl <= logSmall; sl++ {
						c := ParametersLiteral{
							LogN: logN, LogQ: logQ, Levels: levels,
							LogSmallQ: logSmall, Dimension: security.LWEDimension(logSmall), SwitchLevels: sl,
						}
						c.Base = leastNoise(min(32, logQ/levels), &c.Base, c.rotated)
						c.SwitchBase = leastNoise(min(16, logSmall/sl), &c.SwitchBase, c.switched)
						if c.RotationBytes()+c.SwitchingBytes() <= maxKeyBytes {
							all = append(all, c)
						}
					}
				}
			}
		}
	}
	return all
}

// leastNoise is the base in 1..limit of least noise.
func leastNoise(limit int, base *int, noise func() float64) int {
	best, least := 1, math.Inf(1)
	for *base = 1; *base <= limit; *base++ {
		if v := noise(); v < least {
			best, least = *base, v
		}
	}
	return best
}

// costs are nanoseconds of one core: a butterfly of a number theoretic transform,
// a product of a digit and a key, a digit, and a multiply-add of the key switch.
type costs struct{ butterfly, product, digit, word float64 }

// costsOf are the costs with the kernels in use, least times of many on the
// machine of the benchmarks. So the choice of parameters depends on the processor.
func costsOf(logQ int) costs {
	c := costs{butterfly: 1.15, product: 1.45, digit: 3, word: 0.4}
	if cpu.Active >= cpu.AVX2 {
		c.word = 0.08
	}
	if cpu.Active >= cpu.AVX512 {
		c.digit, c.word = 0.15, 0.06
	}
	if cpu.Active >= cpu.IFMA && logQ <= 50 {
		c.butterfly, c.product = 0.15, 0.16
	}
	return c
}

// nanoseconds is the predicted time of a look-up on one core: n steps of 2L + 2
// transforms, 4L products and 2L digits a coefficient, and the key switch.
func (l *ParametersLiteral) nanoseconds() float64 {
	n, N, c := float64(l.Dimension), math.Exp2(float64(l.LogN)), costsOf(l.LogQ)
	rows := float64(l.rows())
	step := (rows+2)*N*float64(l.LogN)/2*c.butterfly + 2*rows*N*c.product + rows*N*c.digit
	return n*step + N*float64(l.SwitchLevels)*n*c.word
}
