package elementary

import "math"

// Hypot is the length of the vector (x, y), without overflow, as math.Hypot:
//
//	max sqrt(1 + (min/max)^2)
func Hypot(x, y float64) float64 {
	x, y = math.Abs(x), math.Abs(y)
	switch {
	case math.IsInf(x, 1) || math.IsInf(y, 1):
		return math.Inf(1)
	case x == 0 && y == 0:
		return 0
	}
	q := min(x, y) / max(x, y)
	return max(x, y) * math.Sqrt(1+float64(q*q))
}
