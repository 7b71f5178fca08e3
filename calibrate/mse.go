package calibrate

import (
	"math"

	"qtool/quant"
)

// MSE chooses the range whose grid loses least of the values seen:
//
//	minimise  E = sum (x - FakeQuantize(x))^2   over lo' in [lo, 0], hi' in [0, hi]
//
// with the quantizer of quant.Affine(lo', hi', Bits), so what is lost by
// clipping and by rounding are weighed against each other. E comes from the sums
// that each histogram bin keeps: exactly for a bin inside one cell of the grid;
// a bin across the boundary of two counts for the cell of its mean, which errs
// upward and by less than the bin's width times the grid's step a value.
//
// The search runs over fractions of the extremes, on a lattice that is refined
// around its best point; on values of one sign it has one dimension. The full
// range is tried first and kept unless another is better. A tensor of one value
// keeps the range of that value.
type MSE struct {
	Bits quant.BitWidth
	Histogram
}

// Range implements Observer.
func (m *MSE) Range() (float32, float32, error) {
	lo, hi, err := m.extent()
	if err != nil || lo == hi {
		return lo, hi, err
	}
	c := newCumulative(&m.Histogram)
	lo, hi = min(lo, 0), max(hi, 0)
	steps := 48 // a side of the lattice
	if lo == 0 || hi == 0 {
		steps = 512
	}
	s := search{lo: lo, hi: hi, bits: m.Bits, cost: c.squaredError}
	if err := s.try(1, 1); err != nil {
		return 0, 0, err
	}
	step := 1 / float64(steps)
	for i := 1; i <= steps; i++ {
		for j := 1; j <= steps; j++ {
			if err := s.try(float64(i)*step, float64(j)*step); err != nil {
				return 0, 0, err
			}
		}
	}
	for range 4 {
		a, b := s.a, s.b
		step /= 4
		for i := -4; i <= 4; i++ {
			for j := -4; j <= 4; j++ {
				if err := s.try(a+float64(float64(i)*step), b+float64(float64(j)*step)); err != nil {
					return 0, 0, err
				}
			}
		}
	}
	lo, hi = s.at(s.a, s.b)
	return lo, hi, nil
}

// search looks for the fractions a of lo and b of hi with the lowest cost.
type search struct {
	lo, hi float32
	bits   quant.BitWidth
	cost   func(quant.Params) float64
	a, b   float64
	best   float64
	found  bool
}

// at is the range of two fractions.
func (s *search) at(a, b float64) (lo, hi float32) {
	return float32(a * float64(s.lo)), float32(b * float64(s.hi))
}

// try takes a and b if they are better. Fractions beyond 0..1 and those that
// change nothing, on a side where the range is 0, are passed over.
func (s *search) try(a, b float64) error {
	if a <= 0 || a > 1 || b <= 0 || b > 1 || s.lo == 0 && a != 1 || s.hi == 0 && b != 1 {
		return nil
	}
	lo, hi := s.at(a, b)
	p, err := quant.Affine(lo, hi, s.bits)
	if err != nil {
		return err
	}
	if e := s.cost(p); !s.found || e < s.best {
		s.a, s.b, s.best, s.found = a, b, e, true
	}
	return nil
}

// cumulative has the running sums of a histogram: sums[i] of all bins before i.
type cumulative struct {
	*Histogram
	sums []bin
}

func newCumulative(h *Histogram) cumulative {
	c := cumulative{h, make([]bin, len(h.bins)+1)}
	for i, b := range h.bins {
		c.sums[i+1] = c.sums[i]
		c.sums[i+1].add(b)
	}
	return c
}

// squaredError is the sum of (x - FakeQuantize(x))^2, cell by cell: for the
// values that round to v it is  sum x^2 - 2 v sum x + v^2 n.
func (c cumulative) squaredError(p quant.Params) float64 {
	total, from := 0.0, 0
	scale := float64(p.Scale)
	for q := p.QMin(); q <= p.QMax(); q++ {
		v := float64(scale * float64(q-p.ZeroPoint))
		to := len(c.bins)
		if q < p.QMax() {
			to = c.below(v + float64(scale/2))
		}
		if a, b := c.sums[from], c.sums[to]; to > from {
			total += b.squares - a.squares - float64(2*v*(b.sum-a.sum)) + float64(v*v*(b.count-a.count))
		}
		from = to
	}
	return max(total, 0)
}

// below counts the bins that a boundary leaves below it, by their means.
func (c cumulative) below(boundary float64) int {
	k := math.Floor(math.Ldexp(boundary, -c.log)) - float64(c.first)
	switch {
	case k < 0:
		return 0
	case k >= float64(len(c.bins)):
		return len(c.bins)
	}
	i := int(k)
	if b := c.bins[i]; b.count > 0 && b.sum < boundary*b.count {
		i++
	}
	return i
}
