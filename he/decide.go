package he

import (
	"math"

	"qtool/bundle"
	"qtool/internal/elementary"
)

// Decision is what the outputs of a sample say: the label, and whether they leave it open.
type Decision struct {
	Label     int  `json:"label"`
	Undecided bool `json:"undecided,omitempty"`
}

// Undecided reports whether sample i has a near tie: another output comes as close to the
// largest as their errors on usual inputs may bring them,
//
//	|scale_a| Usual_a + |scale_b| Usual_b,   twice the bound where they have one
//
// or, where there is one output alone, that comes as close to 0. out is the program's
// output node. An answer that is decided is the label of the program's integers, but for
// inputs that are larger than calibration's. A NaN is undecided.
func (a Approximate) Undecided(out *bundle.Node, i int) bool {
	if a.Decisions != nil {
		return a.Decisions[i].Undecided
	}
	x, at := a.Outputs(out, i), a.Label(out, i)
	within := func(k int) float64 { return float64(math.Abs(out.Scale[k*len(out.Scale)/len(x)]) * a.Usual[k]) }
	if len(x) == 1 {
		return !(math.Abs(x[0]) > float64(2*within(0)))
	}
	for k := range x {
		if k != at && !(x[at]-x[k] > within(at)+within(k)) {
			return true
		}
	}
	return false
}

// Rounded are the answers with every output rounded to a multiple of a power of two that
// is at least twice its Bound, so that they say next to nothing of their errors, and may
// leave the owner of the secret key. Both bounds then count the rounding in. A label that
// is decided stays, as it is the integers' own, whatever the errors were; one that is not
// becomes the rounded outputs' own. See SECURITY.md for what this does and does not give.
//
// Reference: Li and Micciancio, "On the Security of Homomorphic Encryption on Approximate
// Numbers", EUROCRYPT 2021.
func (a Approximate) Rounded(out *bundle.Node) Approximate { return a.rounded(out, a.grid()) }

// grid is, for each output, the power of two of which Rounded takes a multiple; 0 where
// no error is stated.
func (a Approximate) grid() []float64 {
	grid := make([]float64, len(a.Bound))
	for o, b := range a.Bound {
		grid[o] = elementary.Exp2(math.Ceil(elementary.Log2(2 * b)))
	}
	return grid
}

func (a Approximate) rounded(out *bundle.Node, grid []float64) Approximate {
	r := Approximate{Bound: make([]float64, len(grid)), Usual: make([]float64, len(grid))}
	for o, b := range a.Bound {
		r.Bound[o], r.Usual[o] = b+float64(grid[o]/2), a.Usual[o]+float64(grid[o]/2)
	}
	for _, x := range a.Reals {
		row := make([]float64, len(x))
		for o := range x {
			if row[o] = x[o]; grid[o] > 0 {
				row[o] = grid[o] * math.RoundToEven(x[o]/grid[o])
			}
		}
		r.Reals = append(r.Reals, row)
	}
	decisions := make([]Decision, len(a.Reals))
	for i := range decisions {
		if decisions[i].Undecided = a.Undecided(out, i); decisions[i].Undecided {
			decisions[i].Label = r.Label(out, i)
		} else {
			decisions[i].Label = a.Label(out, i)
		}
	}
	r.Decisions = decisions
	return r
}
