package model

import "math"

// TableCode is what a lookup-table activation makes of the accumulator n of channel
// c, as a centred code of its quantizer:
//
//	quantize( float32( activation( Slope_c n' + Offset_c ) ) )
//	n' = 2^Shift round(n / 2^Shift), half to even
//
// in float64 up to the conversion. It is the one definition of a table's entry.
func (s *LayerScaling) TableCode(l Layer, c int, n float64) float32 {
	return s.Table.Params.Code(s.TableValue(l, c, n))
}

// TableValue is the real value that TableCode quantizes.
func (s *LayerScaling) TableValue(l Layer, c int, n float64) float32 {
	if s.Table.Shift > 0 {
		unit := math.Ldexp(1, int(s.Table.Shift))
		n = unit * math.RoundToEven(n/unit)
	}
	z := float64(s.Slope[c%len(s.Slope)]*n) + s.Offset[c%len(s.Offset)]
	return float32(l.Apply(z))
}

// Derivative is the activation's at x, where it takes the value y; where it has
// none, the surrogate that training uses: 0 for ReLU at 0, and for the sign 1 on
// (-1, 1) and 0 beyond.
func (l Layer) Derivative(x, y float64) float64 {
	switch l.Type {
	case Tanh:
		return 1 - float64(y*y)
	case Sigmoid:
		return y * (1 - y)
	case ReLU:
		if x > 0 {
			return 1
		}
	case SiLU:
		s := Layer{Type: Sigmoid}.Apply(x)
		return s + float64(l.Apply(x)*(1-s))
	case Sign:
		if math.Abs(x) < 1 {
			return 1
		}
	}
	return 0
}
