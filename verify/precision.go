package verify

import (
	"fmt"
	"math"

	"qtool/he"
	"qtool/internal/elementary"
)

// Precision is how close an approximate executor's outputs came to the integer
// reference, over all images that were encrypted.
type Precision struct {
	// Bits is -log2 of the worst error over the largest reference output, both
	// real values.
	Bits float64 `json:"bits"`
	// WorstError is that error, in the units of the program's integers. WorstShare
	// is the largest share that an error used of its output's stated bound for any
	// input, WorstUsual of the one for inputs like calibration's.
	WorstError float64 `json:"worst_error"`
	WorstShare float64 `json:"worst_share_of_bound"`
	WorstUsual float64 `json:"worst_share_of_usual_bound"`
	// Outside counts the outputs that are farther off than the bound for any input,
	// which is a fault; FirstOutside is the first of them. OutsideUsual counts those
	// farther off than the other: an input may be larger than calibration's were.
	Outside      int       `json:"outside"`
	OutsideUsual int       `json:"outside_usual"`
	FirstOutside *Mismatch `json:"first_outside,omitempty"`
	// Flips are the images whose answer differs from the reference's.
	Flips []Flip `json:"flips"`
	// Undecided counts the answers that are near ties; see he.Approximate.Undecided. An answer
	// that is none and flips is a fault: DecidedFlips counts those.
	Undecided    int `json:"undecided"`
	DecidedFlips int `json:"decided_flips"`
}

// Flip is an image that two stages answer differently, with the margin of the
// integer stage (see Answers) there.
type Flip struct {
	Image     int     `json:"image"`
	Integer   int     `json:"integer"`
	Encrypted int     `json:"encrypted"`
	Margin    float32 `json:"margin"`
	// Undecided says that the answer was said to be a near tie.
	Undecided bool `json:"undecided,omitempty"`
}

// precision compares approximate answers with Integer.
func (l *Ladder) precision(e he.Approximate, a Answers) (*Precision, error) {
	p := &Precision{Flips: []Flip{}}
	largest, worst := 0.0, 0.0
	for i, got := range e.Reals {
		want := l.Integer[i]
		if len(got) != want.Len() || len(e.Bound) != want.Len() || len(e.Usual) != want.Len() {
			return nil, fmt.Errorf("verify: sample %d has %d integer and %d encrypted logits, with %d bounds", i, want.Len(), len(got), min(len(e.Bound), len(e.Usual)))
		}
		for k, x := range got {
			scale := math.Abs(l.Output.Scale[k*len(l.Output.Scale)/len(got)])
			off := math.Abs(x - want.Float(k))
			largest = math.Max(largest, scale*math.Abs(want.Float(k)))
			worst = math.Max(worst, scale*off)
			p.WorstError = math.Max(p.WorstError, off)
			p.WorstShare = math.Max(p.WorstShare, off/e.Bound[k])
			p.WorstUsual = math.Max(p.WorstUsual, off/e.Usual[k])
			if !(off <= e.Usual[k]) {
				p.OutsideUsual++
			}
			if !(off <= e.Bound[k]) { // a NaN is outside
				p.Outside++
				if p.FirstOutside == nil {
					p.FirstOutside = &Mismatch{i, k, want.At(k).String(), fmt.Sprintf("%g", x)}
				}
			}
		}
		if a.Integer == nil { // it answers no labels
			continue
		}
		undecided := e.Undecided(l.Output, i)
		if undecided {
			p.Undecided++
		}
		if a.Integer[i] != a.Encrypted[i] {
			p.Flips = append(p.Flips, Flip{i, a.Integer[i], a.Encrypted[i], a.Margins[i], undecided})
			if !undecided {
				p.DecidedFlips++
			}
		}
	}
	if worst > 0 {
		p.Bits = elementary.Log2(largest / worst)
	}
	return p, nil
}
