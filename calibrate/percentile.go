package calibrate

import "math"

// Percentile clips the rare extremes of a tensor: with r = ceil(Percent/100 n),
//
//	hi = the r-th smallest value,   lo = the r-th largest
//
// of n values, each moved outward to the edge of its histogram bin but not past
// the extremes. So the range holds the exact one and is wider by at most one bin
// width on either side. 100 percent is MinMax.
type Percentile struct {
	Percent float64 // above 50, at most 100
	Histogram
}

// DefaultPercentile is Percentile's usual percent.
const DefaultPercentile = 99.99

// Range implements Observer.
func (p *Percentile) Range() (float32, float32, error) {
	lo, hi, err := p.extent()
	if err != nil {
		return 0, 0, err
	}
	// 2^-50 forgives the roundings of a product that is an integer.
	rank := max(math.Ceil(p.count*p.Percent/100*(1-0x1p-50)), 1)
	seen := 0.0
	for i, b := range p.bins {
		if seen += b.count; seen >= rank {
			_, edge := p.edges(i)
			hi = float32(min(edge, float64(hi)))
			break
		}
	}
	seen = 0
	for i := len(p.bins) - 1; i >= 0; i-- {
		if seen += p.bins[i].count; seen >= rank {
			edge, _ := p.edges(i)
			lo = float32(max(edge, float64(lo)))
			break
		}
	}
	return lo, hi, nil
}
