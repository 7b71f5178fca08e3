package tfhe

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"qtool/he"
	"qtool/he/internal/costmodel"
	"qtool/he/security"
	"qtool/internal/elementary"
	"qtool/kernel/cpu"
	"qtool/kernel/gadget"
)

// groupings are the key bits a step that the search tries.
var groupings = []int{2, 3}

// What the search tries, and the largest evaluation keys that it takes.
const (
	minLogN, maxLogN = 10, 15
	maxLogSmall      = 30
	maxKeyBytes      = 8 << 30
	// wordLevels is the most digits of a component in a plan of words alone: what more
	// of them gain is lost in the rounding to words. Precise plans have up to
	// gadget.MaxLevels.
	wordLevels = 4
)

// search finds the parameters of the fastest look-up.
type search struct {
	layers []layer
	target target
	logN   int       // 0: any
	level  cpu.Level // of the kernels whose speeds a look-up's time is predicted with
	// closest is the one with the least failures among the secure candidates that
	// would be faster than what was taken, and least its failures; for explanations.
	closest *ParametersLiteral
	least   float64
}

// run returns the candidate of least predicted time that keeps the target: for a plan
// of words alone or, where none does, for a precise one. It sets layers to those that
// the candidate is for.
func (s *search) run(ctx context.Context) (ParametersLiteral, error) {
	found, err := s.fastest(ctx, wordLevels, s.ofWords())
	if found == nil && err == nil {
		s.layers = precise(s.layers)
		found, err = s.fastest(ctx, gadget.MaxLevels, [][]layer{s.layers})
	}
	if err != nil {
		return ParametersLiteral{}, err
	}
	if found == nil {
		return ParametersLiteral{}, s.insufficient(s.closest)
	}
	return *found, nil
}

// ofWords are the choices for the layers of a plan of words alone, the simplest first.
func (s *search) ofWords() [][]layer {
	if one := shared(s.layers); one != nil {
		return [][]layer{one, s.layers}
	}
	return [][]layer{s.layers}
}

// precise is a copy of the layers for a precise plan.
func precise(layers []layer) []layer {
	all := slices.Clone(layers)
	for i := range all {
		all[i].precise = true
	}
	return all
}

// fastest is the candidate of least predicted time, with digits up to levels, that keeps
// the target with one of the choices for the layers, or nil. Of several choices that do
// with one candidate it takes the first.
func (s *search) fastest(ctx context.Context, levels int, choices [][]layer) (*ParametersLiteral, error) {
	all, err := candidates(ctx, levels, s.level)
	if err != nil {
		return nil, err
	}
	var merged [][]layer // by message space and gain, with all their norms
	for _, layers := range choices {
		merged = append(merged, merge(layers))
	}
	s.closest, s.least = nil, math.Inf(1)
	for i := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		c := &all[i]
		if s.logN != 0 && c.LogN != s.logN {
			continue
		}
		least := math.Inf(1)
		for k, layers := range merged {
			stages, failures := c.budget(layers)
			if s.target.kept(stages, failures) {
				s.layers = choices[k]
				return c, nil
			}
			least = min(least, failures)
		}
		if least < s.least {
			s.least, s.closest = least, c
		}
	}
	return nil, nil
}

// merge joins layers with the same message space and gain, of which a recurrent program
// has many: their failures are those of all their accumulators.
func merge(layers []layer) []layer {
	type kind struct {
		half, gain      int
		lookup, precise bool
	}
	at := map[kind]int{}
	var all []layer
	for i := range layers {
		l := &layers[i]
		k := kind{l.half, l.gain, l.tables != nil, l.precise}
		j, ok := at[k]
		if !ok {
			j = len(all)
			at[k] = j
			all = append(all, layer{half: l.half, gain: l.gain, tables: l.tables, precise: l.precise})
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

// check says whether given parameters keep the target, by a plan of words alone or a
// precise one, and sets layers to those that do.
func (s *search) check(l *ParametersLiteral) error {
	choices := append(s.ofWords(), precise(s.layers))
	for _, s.layers = range choices {
		if s.target.kept(l.budget(s.layers)) {
			return nil
		}
	}
	return s.insufficient(l)
}

// insufficient names the layers and how far the parameters are from carrying
// them.
func (s *search) insufficient(l *ParametersLiteral) error {
	stages, failures := l.budget(s.layers)
	var lines []string
	for i := range s.layers {
		la := &s.layers[i]
		lines = append(lines, fmt.Sprintf("layer %q: message space %d, %d outputs, 2^%.1f failures", la.name, 2*la.half, la.n, log2Probability(stages[i].failures)))
	}
	return he.Insufficient("tfhe", "", "a sample would fail with probability 2^%.1f, and its worst look-up with 2^%.1f, where the limit is %v, at %v (%s)",
		min(0, log2Probability(failures)), log2Probability(worst(stages)), s.target, l, strings.Join(lines, "; "))
}

// known are the candidates of earlier searches, which no program changes, by digits and
// kernels.
var known struct {
	sync.Mutex
	all map[[2]int][]ParametersLiteral
}

// candidates are all parameters that a search tries, in the order of their predicted time.
// Nobody may change them. The error is ctx's.
func candidates(ctx context.Context, levels int, level cpu.Level) ([]ParametersLiteral, error) {
	known.Lock()
	defer known.Unlock()
	key := [2]int{levels, int(level)}
	if all, ok := known.all[key]; ok {
		return all, nil
	}
	all, err := secureParameters(ctx, levels)
	if err != nil {
		return nil, err
	}
	type timed struct {
		nanoseconds float64
		at          int
	}
	times := make([]timed, len(all))
	for i := range all {
		times[i] = timed{costmodel.Coarse(all[i].nanoseconds(level)), i}
	}
	slices.SortFunc(times, func(a, b timed) int {
		return cmp.Or(cmp.Compare(a.nanoseconds, b.nanoseconds), a.at-b.at)
	})
	sorted := make([]ParametersLiteral, len(all))
	for i, t := range times {
		sorted[i] = all[t.at]
	}
	if known.all == nil {
		known.all = map[[2]int][]ParametersLiteral{}
	}
	known.all[key] = sorted
	return sorted, nil
}

// secureParameters are secure parameters: all ring degrees and small-key moduli, and the
// gadgets of least noise for each number of digits up to levels. The error is ctx's.
func secureParameters(ctx context.Context, levels int) ([]ParametersLiteral, error) {
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
			rings := map[int][][2]Digits{}
			for _, g := range groupings {
				rings[g] = ringDigits(logN, logQ, g, levels)
			}
			for logSmall := logN + 2; logSmall <= maxLogSmall; logSmall++ {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				c := ParametersLiteral{LogN: logN, LogQ: logQ, LogSmallQ: logSmall, Dimension: security.LWEDimension(logSmall)}
				switches := c.switches()
				for c.LogAccumulators = 0; c.logPositions() <= min(maxLogN, logSmall-2); c.LogAccumulators++ {
					for _, c.Group = range groupings {
						for _, r := range rings[c.Group] {
							if c.Ring = r; c.rows()<<c.Group <= gadget.MaxRows {
								all = c.withSwitches(all, switches)
							}
						}
					}
				}
			}
		}
	}
	return all, nil
}

// ringDigits are the choices for Ring: up to as many digits of c_0 as of c_1, up to levels.
func ringDigits(logN, logQ, group, levels int) [][2]Digits {
	var all [][2]Digits
	for body := 1; body <= levels; body++ {
		for mask := body; mask <= levels; mask++ {
			l := ParametersLiteral{LogN: logN, LogQ: logQ, Group: group, Ring: [2]Digits{{1, body}, {1, mask}}}
			for c := range l.Ring {
				d := &l.Ring[c]
				d.Base = leastNoise(min(32, logQ/d.Levels), &d.Base, func() float64 { return l.stepNoise(c) })
			}
			all = append(all, l.Ring)
		}
	}
	return all
}

// switches are the digits of least noise for every number of key switch digits.
func (l ParametersLiteral) switches() []Digits {
	var all []Digits
	for l.Switch.Levels = 1; l.Switch.Levels <= min(12, l.LogSmallQ); l.Switch.Levels++ {
		l.Switch.Base = leastNoise(min(16, l.LogSmallQ/l.Switch.Levels), &l.Switch.Base, l.switched)
		all = append(all, l.Switch)
	}
	return all
}

// withSwitches appends l with each of some key switches, if the keys are not too large.
func (l ParametersLiteral) withSwitches(all []ParametersLiteral, switches []Digits) []ParametersLiteral {
	for _, l.Switch = range switches {
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
		if v := costmodel.Coarse(noise()); v < least {
			best, least = *base, v
		}
	}
	return best
}

// keyNanoseconds is roughly the time of one core for a byte of the evaluation keys.
const keyNanoseconds = 2

// nanoseconds is the predicted time of a look-up on one core with a level's kernels: n/g
// steps, of each of K accumulators d + 2 transforms and a coefficient d digits, where d is
// the digits of c_0 and c_1 together, and of products of two words a coefficient
//
//	K = 1      2^g powers, 2^g 2d with keys, 2d with digits;
//	K > 1      2^g powers and 2^g 2d with keys, and of each accumulator d by X and 2^g 2d with digits;
//
// the keys, read once for a batch; and the key switch.
func (l *ParametersLiteral) nanoseconds(level cpu.Level) float64 {
	n, N, c := float64(l.Dimension), elementary.Exp2(float64(l.LogN)), costmodel.RotationOf(level, l.LogQ)
	rows, K, patterns := float64(l.rows()), float64(int(1)<<l.LogAccumulators), float64(int(1)<<l.Group)
	each := float64((rows+2)*N*float64(l.LogN)/2*c.Butterfly) + float64(rows*N*c.Digit)
	products := float64(patterns*c.Power) + float64(2*rows*(patterns+1)*c.Product) + float64(2*(rows+1)*c.Reduction)
	if l.LogAccumulators > 0 {
		once := float64(patterns*c.Power) + float64(2*rows*patterns*(c.Product+c.Reduction))
		products = once + float64(K*(float64(rows*(c.Product+c.Reduction))+float64(2*rows*patterns*c.Product)+float64(2*c.Reduction)))
	}
	step := float64(K*each) + float64(N*products)
	stream := float64(float64(l.RotationBytes()) / float64(l.batch()) * keyByte)
	return float64(float64(l.groups())*step) + stream + float64(N*float64(l.Switch.Levels)*n*c.Word)
}

// keyByte is the nanoseconds of one core for a byte of the rotation key from memory.
const keyByte = 0.05

// work is the core seconds of making the keys and of so many look-ups with a level's
// kernels.
func (l *ParametersLiteral) work(lookups int, level cpu.Level) float64 {
	keys := float64(l.RotationBytes()+l.SwitchingBytes()) * keyNanoseconds
	return (keys + float64(float64(lookups)*l.nanoseconds(level))) / 1e9
}
