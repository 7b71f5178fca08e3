package tfhe

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"qtool/he/security"
	"qtool/internal/elementary"
	"qtool/kernel/cpu"
	"qtool/kernel/gadget"
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
	merged []layer // by slots, with all their norms: for failure probabilities alone
	target float64 // log2 of an image's failure probability
	logN   int     // 0: any
	// kernels are those whose speed a look-up's time is predicted with.
	kernels cpu.Level
	// closest is the one with the least failures among the secure candidates that
	// would be faster than what was taken; for explanations.
	closest *ParametersLiteral
}

// run returns the candidate of least predicted time that keeps the target.
func (s *search) run() (ParametersLiteral, error) {
	all := candidates()
	slices.SortStableFunc(all, func(a, b ParametersLiteral) int {
		return cmp.Compare(a.nanosecondsBy(s.kernels), b.nanosecondsBy(s.kernels))
	})
	least := math.Inf(1)
	for i := range all {
		c := &all[i]
		if s.logN != 0 && c.LogN != s.logN {
			continue
		}
		_, failures := c.budget(s.merged)
		if log2Probability(failures) <= s.target {
			return *c, nil
		}
		if failures < least {
			least, s.closest = failures, c
		}
	}
	return ParametersLiteral{}, s.insufficient(s.closest)
}

// merge joins layers with the same number of slots, of which a recurrent program
// has many: their failures are those of all their accumulators.
func merge(layers []layer) []layer {
	type kind struct {
		slots  int
		lookup bool
	}
	at := map[kind]int{}
	var all []layer
	for i := range layers {
		l := &layers[i]
		k := kind{l.slots, l.tables != nil}
		j, ok := at[k]
		if !ok {
			j = len(all)
			at[k] = j
			all = append(all, layer{slots: l.slots, tables: l.tables})
		}
		for _, w := range l.norms {
			same := func(v norm) bool { return v.fresh == w.fresh && v.rotated == w.rotated && v.sum == w.sum }
			if n := slices.IndexFunc(all[j].norms, same); n >= 0 {
				all[j].norms[n].count += w.count
			} else {
				all[j].norms = append(all[j].norms, w)
			}
		}
	}
	return all
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
	return fmt.Errorf("tfhe: an image would fail with probability 2^%.1f where 2^%.1f is the limit, at %v (%s): %w",
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
			rings := ringDigits(logN, logQ)
			for logSmall := logN + 2; logSmall <= maxLogSmall; logSmall++ {
				c := ParametersLiteral{LogN: logN, LogQ: logQ, LogSmallQ: logSmall, Dimension: security.LWEDimension(logSmall)}
				for _, r := range rings {
					c.Ring = r
					all = c.withSwitches(all)
				}
			}
		}
	}
	return all
}

// ringDigits are the choices for Ring: up to as many digits of c_0 as of c_1.
func ringDigits(logN, logQ int) [][2]Digits {
	var all [][2]Digits
	for body := 1; body <= gadget.MaxLevels; body++ {
		for mask := body; mask <= gadget.MaxLevels; mask++ {
			l := ParametersLiteral{LogN: logN, LogQ: logQ, Ring: [2]Digits{{1, body}, {1, mask}}}
			for c := range l.Ring {
				d := &l.Ring[c]
				d.Base = leastNoise(min(32, logQ/d.Levels), &d.Base, func() float64 { return l.stepNoise(c) })
			}
			all = append(all, l.Ring)
		}
	}
	return all
}

// withSwitches appends l with every number of key switch digits, if the keys are
// not too large.
func (l ParametersLiteral) withSwitches(all []ParametersLiteral) []ParametersLiteral {
	for levels := 1; levels <= min(12, l.LogSmallQ); levels++ {
		l.Switch.Levels = levels
		l.Switch.Base = leastNoise(min(16, l.LogSmallQ/levels), &l.Switch.Base, l.switched)
		if l.RotationBytes()+l.SwitchingBytes() <= maxKeyBytes {
			all = append(all, l)
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

// costsOf are the costs with a level's kernels, least times of many on the
// machine of the benchmarks. So the choice of parameters depends on the processor.
func costsOf(logQ int, level cpu.Level) costs {
	c := costs{butterfly: 1.15, product: 1.45, digit: 3, word: 0.4}
	if level >= cpu.AVX2 {
		c.word = 0.08
	}
	if level >= cpu.AVX512 {
		c.digit, c.word = 0.15, 0.06
	}
	if level >= cpu.IFMA && logQ <= 50 {
		c.butterfly, c.product = 0.15, 0.16
	}
	return c
}

// keyNanoseconds is roughly the time of one core for a byte of the evaluation keys.
const keyNanoseconds = 2

// nanoseconds is the predicted time of a look-up on one core: n steps of d + 2
// transforms and, a coefficient, 2d products and d digits, where d is the digits
// of c_0 and c_1 together; and the key switch.
func (l *ParametersLiteral) nanoseconds() float64 { return l.nanosecondsBy(cpu.Active) }

// nanosecondsBy is that with a level's kernels.
func (l *ParametersLiteral) nanosecondsBy(level cpu.Level) float64 {
	n, N, c := float64(l.Dimension), elementary.Exp2(float64(l.LogN)), costsOf(l.LogQ, level)
	rows := float64(l.rows())
	step := float64((rows+2)*N*float64(l.LogN)/2*c.butterfly) + float64(2*rows*N*c.product) + float64(rows*N*c.digit)
	return float64(n*step) + float64(N*float64(l.Switch.Levels)*n*c.word)
}
