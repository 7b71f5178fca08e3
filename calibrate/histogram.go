package calibrate

import "math"

// Histogram counts values in bins of one width, in memory that does not grow
// with their number:
//
//	bin k holds the values in [k W, (k+1) W),   W a power of two
//
// W is the smallest for which the bins from the lowest value's to the highest's
// are no more than the limit (and no smaller than 2^-24 of the largest
// magnitude, where float32 ends). A value outside makes W double until it fits,
// and neighbouring bins merge in pairs. As the bins start at 0 and W is a power
// of two, merging is exact: the counts depend on the values, not on their order
// or batches.
//
// Beside its count every bin keeps the sum of its values and of their squares.
type Histogram struct {
	limit  int
	log    int   // W = 2^log
	first  int64 // k of bins[0]
	bins   []bin
	lo, hi float32 // exact extremes
	count  float64
	zeros  float64 // how many values are 0
}

// bin has the sums of x^0, x^1 and x^2 over its values.
type bin struct{ count, sum, squares float64 }

func (b *bin) add(c bin) {
	b.count += c.count
	b.sum += c.sum
	b.squares += c.squares
}

// Observe implements Observer.
func (h *Histogram) Observe(x []float32) error {
	lo, hi, err := extremes(x)
	if err != nil || len(x) == 0 {
		return err
	}
	if len(h.bins) > 0 {
		lo, hi = min(lo, h.lo), max(hi, h.hi)
	}
	h.grow(lo, hi)
	for _, v := range x {
		f := float64(v)
		h.bins[h.index(f)-h.first].add(bin{1, f, float64(f * f)})
		if v == 0 {
			h.zeros++
		}
	}
	h.count += float64(len(x))
	return nil
}

// width is W.
func (h *Histogram) width() float64 { return math.Ldexp(1, h.log) }

// index is the k of a value's bin: exact, as dividing by a power of two is.
func (h *Histogram) index(v float64) int64 { return int64(math.Floor(math.Ldexp(v, -h.log))) }

// edges are the ends of bins[i].
func (h *Histogram) edges(i int) (lo, hi float64) {
	k := float64(h.first + int64(i))
	return k * h.width(), (k + 1) * h.width()
}

// grow makes the bins cover lo to hi, which include all values so far.
func (h *Histogram) grow(lo, hi float32) {
	from := h.log
	h.lo, h.hi = lo, hi
	if finest := finestLog(max(-lo, hi, 0)); len(h.bins) == 0 || h.log < finest {
		h.log = finest
	}
	for h.index(float64(hi))-h.index(float64(lo)) >= int64(h.limit) {
		h.log++
	}
	first := h.index(float64(lo))
	bins := make([]bin, h.index(float64(hi))-first+1)
	for i, b := range h.bins {
		bins[(h.first+int64(i))>>(h.log-from)-first].add(b)
	}
	h.first, h.bins = first, bins
}

// finestLog is log2 of the smallest useful bin width for values up to absMax.
func finestLog(absMax float32) int {
	if absMax == 0 {
		return -149 // float32's smallest
	}
	_, e := math.Frexp(float64(absMax)) // absMax < 2^e
	return max(e-24, -149)
}

// extent is the exact range seen.
func (h *Histogram) extent() (lo, hi float32, err error) {
	if len(h.bins) == 0 {
		return 0, 0, errEmpty
	}
	return h.lo, h.hi, nil
}
