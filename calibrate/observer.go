// Package calibrate chooses quantizers from what tensors are seen to hold:
// observers turn values into a range, and ranges become scales and zero points.
package calibrate

import (
	"fmt"
	"math"
)

// Observer collects the range of a tensor over many batches, in memory that
// does not grow with them.
type Observer interface {
	// Observe takes one batch of values. It returns an error, and changes
	// nothing, if a value is not finite.
	Observe(x []float32) error
	// Range is the range seen so far, or an error if nothing was.
	Range() (lo, hi float32, err error)
}

// MinMax keeps the smallest and the largest value ever seen.
type MinMax struct {
	lo, hi float32
	seen   bool
}

// Observe implements Observer.
func (m *MinMax) Observe(x []float32) error {
	lo, hi, err := extremes(x)
	if err != nil || len(x) == 0 {
		return err
	}
	if m.seen {
		lo, hi = min(lo, m.lo), max(hi, m.hi)
	}
	m.lo, m.hi, m.seen = lo, hi, true
	return nil
}

// Range implements Observer.
func (m *MinMax) Range() (float32, float32, error) {
	if !m.seen {
		return 0, 0, errEmpty
	}
	return m.lo, m.hi, nil
}

// MovingAverage keeps exponential moving averages of each batch's smallest and
// largest value, starting at the first batch's:
//
//	lo <- (1 - Rate) lo + Rate min(x),   hi likewise
//
// It forgives a few outliers where MinMax does not.
//
// Reference: Jacob et al., arXiv 1712.05877, section 3.1.
type MovingAverage struct {
	Rate   float64
	lo, hi float64
	seen   bool
}

// DefaultRate is MovingAverage's usual rate, the default of PyTorch's observer too.
const DefaultRate = 0.01

// Observe implements Observer.
func (m *MovingAverage) Observe(x []float32) error {
	lo, hi, err := extremes(x)
	if err != nil || len(x) == 0 {
		return err
	}
	if !m.seen {
		m.lo, m.hi, m.seen = float64(lo), float64(hi), true
		return nil
	}
	m.lo += float64(m.Rate * (float64(lo) - m.lo))
	m.hi += float64(m.Rate * (float64(hi) - m.hi))
	return nil
}

// Range implements Observer.
func (m *MovingAverage) Range() (float32, float32, error) {
	if !m.seen {
		return 0, 0, errEmpty
	}
	return float32(m.lo), float32(m.hi), nil
}

var errEmpty = fmt.Errorf("calibration set is empty: no value was observed")

func extremes(x []float32) (lo, hi float32, err error) {
	for i, v := range x {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return 0, 0, fmt.Errorf("value %v at element %d is not finite", v, i)
		}
		if i == 0 || v < lo {
			lo = v
		}
		if i == 0 || v > hi {
			hi = v
		}
	}
	return lo, hi, nil
}
