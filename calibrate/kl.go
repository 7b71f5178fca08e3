package calibrate

import (
	"math"

	"qtool/internal/elementary"
	"qtool/quant"
)

// KL chooses the range whose grid keeps most of the values' distribution, as the
// entropy calibration of TensorRT does. For a threshold T it clips to
// [max(lo, -T), min(hi, T)] and compares two distributions over the bins whose
// centres lie there:
//
//	P  the counts, those outside added to the first and the last bin
//	Q  the counts without those outside, each cell of the grid of
//	   quant.Affine spread evenly over its bins where P is not 0
//	KL = sum P/|P| log( (P/|P|) / (Q/|Q|) )
//
// and takes the T with the least KL, of 256 evenly spaced ones up to the
// largest magnitude. A range of fewer bins than the grid has cells is not
// considered, nor one where Q is 0 and P is not. Of equals the widest is taken.
// Values of exactly 0 are not counted: every grid holds them, and the many that
// an image's background or a ReLU makes would hide the rest.
// A tensor of one value keeps the range of that value.
//
// Reference: Migacz, "8-bit Inference with TensorRT", GTC 2017. There the grid is
// symmetric, here affine.
type KL struct {
	Bits quant.BitWidth
	Histogram
}

// thresholds is how many clipping thresholds KL tries.
const thresholds = 256

// Range implements Observer.
func (k *KL) Range() (float32, float32, error) {
	lo, hi, err := k.extent()
	if err != nil || lo == hi {
		return lo, hi, err
	}
	largest := float64(max(-lo, hi))
	bestLo, bestHi, best := lo, hi, math.Inf(1)
	for i := thresholds; i > 0; i-- {
		t := float32(largest * float64(i) / thresholds)
		a, b := max(lo, -t), min(hi, t)
		if a > b {
			break // every value is beyond the threshold
		}
		d, err := k.divergence(a, b)
		if err != nil {
			return 0, 0, err
		}
		if d < best {
			bestLo, bestHi, best = a, b, d
		}
	}
	return bestLo, bestHi, nil
}

// divergence is KL of clipping to [lo, hi], infinite where that range is out of
// the question.
func (k *KL) divergence(lo, hi float32) (float64, error) {
	p, err := quant.Affine(lo, hi, k.Bits)
	if err != nil {
		return 0, err
	}
	// The bins from..to have their centres in the range.
	w := k.width()
	from := int(max(math.Ceil(float64(lo)/w-0.5), float64(k.first)) - float64(k.first))
	to := int(min(math.Floor(float64(hi)/w-0.5), float64(k.first)+float64(len(k.bins))-1) - float64(k.first))
	if lo == k.lo {
		from = 0 // the centre of an extreme's bin may lie beyond it
	}
	if hi == k.hi {
		to = len(k.bins) - 1
	}
	if to-from+1 < 1<<k.Bits {
		return math.Inf(1), nil
	}
	all := k.nonzero()
	counts, total := make([]float64, to-from+1), 0.0
	for i, n := range all {
		counts[min(max(i-from, 0), to-from)] += n
		total += n
	}
	d, inside := 0.0, 0.0 // inside is |Q|
	for start := 0; start < len(counts); {
		// One cell of the grid: the bins whose centres round to the same integer.
		cell := k.cell(p, from+start)
		end := start
		mass, used := 0.0, 0.0
		for ; end < len(counts) && k.cell(p, from+end) == cell; end++ {
			mass += all[from+end]
			if counts[end] > 0 {
				used++
			}
		}
		inside += mass
		for _, c := range counts[start:end] {
			if c == 0 {
				continue
			}
			if mass == 0 {
				return math.Inf(1), nil
			}
			d += float64(c / total * elementary.Log(c/total/(mass/used)))
		}
		start = end
	}
	return d + elementary.Log(inside), nil
}

// nonzero counts the values of each bin that are not 0.
func (k *KL) nonzero() []float64 {
	counts := make([]float64, len(k.bins))
	for i, b := range k.bins {
		counts[i] = b.count
	}
	if k.zeros > 0 {
		counts[k.index(0)-k.first] -= k.zeros
	}
	return counts
}

// cell is the integer that the centre of bins[i] rounds to.
func (k *KL) cell(p quant.Params, i int) int32 {
	lo, hi := k.edges(i)
	return p.Quantize(float32((lo + hi) / 2))
}
