package report

import "math"

// scale maps the values lo..hi linearly to from..to.
type scale struct{ lo, hi, from, to float64 }

func (s scale) at(v float64) float64 {
	if s.hi == s.lo {
		return (s.from + s.to) / 2
	}
	return s.from + (v-s.lo)/(s.hi-s.lo)*(s.to-s.from)
}

// ticks are at most n round values inside lo..hi, and the decimals that tell
// them apart.
func ticks(lo, hi float64, n int) (values []float64, decimals int) {
	if !(hi > lo) || n < 2 || math.IsInf(hi-lo, 0) {
		return []float64{lo}, 2
	}
	step := math.Pow(10, math.Floor(math.Log10((hi-lo)/float64(n))))
	for _, m := range []float64{1, 2, 5, 10} {
		if (hi-lo)/(step*m) <= float64(n) {
			step *= m
			break
		}
	}
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+step*1e-9; k++ {
		values = append(values, k*step+0) // never -0
	}
	return values, max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
}
