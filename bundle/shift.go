package bundle

import "math/big"

// Shift divides every element by 2^Bits:
//
//	out = round(q / 2^Bits), half to even
//
// The output's scale is the input's times 2^Bits. It keeps the width of integers in
// a polynomial program that goes on for many steps. An executor that computes with reals leaves it out, and counts half a
// unit into its error.
type Shift struct {
	Bits uint8 `json:"bits"`
}

func (s *Shift) kind() Kind { return KindShift }

// OutShape is the input's shape.
func (s *Shift) OutShape(in ...[]int) ([]int, error) { return single(in) }

func (s *Shift) apply(in Vec, _ [][]int) Vec {
	if in.Big == nil && s.Bits <= 62 {
		out := make([]int64, len(in.Small))
		for i, q := range in.Small {
			out[i] = RoundShift(q, s.Bits)
		}
		return Vec{Small: out}
	}
	out := make([]*big.Int, in.Len())
	for i := range out {
		out[i] = roundShiftBig(in.At(i), uint(s.Bits))
	}
	return NewVec(out)
}

// bounds shifts both ends: rounding is monotone.
func (s *Shift) bounds(b Bounds, shapes [][]int) Bounds {
	return Bounds{s.apply(b.Lo, shapes), s.apply(b.Hi, shapes)}
}

// roundShiftBig is round(q / 2^s), half to even. It may change q.
func roundShiftBig(q *big.Int, s uint) *big.Int {
	if s == 0 {
		return q
	}
	unit := new(big.Int).Lsh(big.NewInt(1), s)
	floor, rest := new(big.Int).DivMod(q, unit, new(big.Int)) // rest >= 0
	if c := rest.Lsh(rest, 1).Cmp(unit); c > 0 || c == 0 && floor.Bit(0) == 1 {
		floor.Add(floor, big.NewInt(1))
	}
	return floor
}
