package approx

import (
	"fmt"
	"math"
	"slices"

	"qtool/internal/elementary"
)

// Interval is the closed interval [Lo, Hi] that a polynomial is fitted on.
type Interval struct{ Lo, Hi float64 }

// Limits of an interval and of a degree.
const (
	MaxDegree    = 15
	MaxMagnitude = 1e4
	MinWidth     = 1e-3
)

// Validate returns an error that names the bound and its limit.
func (iv Interval) Validate() error {
	for _, b := range []float64{iv.Lo, iv.Hi} {
		if !(math.Abs(b) <= MaxMagnitude) {
			return fmt.Errorf("approx: interval [%v, %v]: %v is outside +-%v", iv.Lo, iv.Hi, b, MaxMagnitude)
		}
	}
	if !(iv.Hi-iv.Lo >= MinWidth) {
		return fmt.Errorf("approx: interval [%v, %v]: its width %v is below %v", iv.Lo, iv.Hi, iv.Hi-iv.Lo, MinWidth)
	}
	return nil
}

func (iv Interval) centre() float64 { return float64((iv.Lo + iv.Hi) / 2) }
func (iv Interval) radius() float64 { return (iv.Hi - iv.Lo) / 2 }

// symmetric reports whether the interval is [-r, r]: then an odd or even
// function has an odd or even fit.
func (iv Interval) symmetric() bool { return iv.Lo == -iv.Hi }

// unit maps x to [-1, 1]; at is its inverse.
func (iv Interval) unit(x float64) float64 { return (x - iv.centre()) / iv.radius() }

func (iv Interval) at(t float64) float64 {
	switch t { // the ends exactly
	case -1:
		return iv.Lo
	case 1:
		return iv.Hi
	}
	return iv.centre() + float64(iv.radius()*t)
}

// segments splits the interval at the kinks inside it.
func (iv Interval) segments(kinks []float64) []Interval {
	var s []Interval
	lo := iv.Lo
	for _, k := range kinks {
		if k > lo && k < iv.Hi {
			s = append(s, Interval{lo, k})
			lo = k
		}
	}
	return append(s, Interval{lo, iv.Hi})
}

// The functions bend where |x| is below bend; beyond, they are straight to
// within exp(-bend).
const bend = 40

// grid is a dense increasing set of points: in every segment 64(d+2) Chebyshev
// extrema, its ends among them, and the multiples of 1/16 within +-bend.
func (iv Interval) grid(kinks []float64, d int) []float64 {
	var points []float64
	for _, s := range iv.segments(kinks) {
		n := 64 * (d + 2)
		for i := range n + 1 {
			points = append(points, s.at(-elementary.Cos(math.Pi*float64(i)/float64(n))))
		}
	}
	for k := math.Ceil(16 * max(iv.Lo, -bend)); k <= 16*min(iv.Hi, bend); k++ {
		points = append(points, k/16)
	}
	slices.Sort(points)
	return slices.Compact(points)
}

// quadrature gives nodes and weights of Gauss-Legendre rules of 16 points on
// panels that no kink crosses and that are short where the functions bend. The
// weights add up to the interval's width.
func (iv Interval) quadrature(kinks []float64) (x, w []float64) {
	cuts := slices.Clone(kinks)
	for k := -bend; k <= bend; k++ {
		cuts = append(cuts, float64(k))
	}
	for k := 1; k < 4; k++ {
		cuts = append(cuts, iv.Lo+float64((iv.Hi-iv.Lo)*float64(k)/4))
	}
	slices.Sort(cuts)
	for _, s := range iv.segments(slices.Compact(cuts)) {
		x, w = legendre(x, w, MaxDegree+1, s.Lo, s.Hi)
	}
	return x, w
}
