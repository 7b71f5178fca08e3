package bundle

import (
	"fmt"
	"math/big"
)

// Domain passes its input on and declares that no element leaves [Lo, Hi]: the
// interval for which a polynomial was fitted. It is the one operation whose
// range is not proved but assumed, and what follows from it is proved under that
// assumption. Whoever runs the program on integers is told, with an error that
// wraps ErrDomain, if an element does leave it.
type Domain struct {
	Lo int64 `json:"lo"`
	Hi int64 `json:"hi"`
}

func (d *Domain) kind() Kind { return KindDomain }

// OutShape is the input's shape.
func (d *Domain) OutShape(in ...[]int) ([]int, error) {
	if d.Lo > d.Hi {
		return nil, fmt.Errorf("domain [%d, %d] is empty", d.Lo, d.Hi)
	}
	return single(in)
}

func (d *Domain) apply(in Vec, _ [][]int) Vec { return in }

// bounds is the part of the input's interval that lies in the domain, or the end
// of the domain next to it where none does.
func (d *Domain) bounds(b Bounds, _ [][]int) Bounds {
	return Bounds{d.clamp(b.Lo), d.clamp(b.Hi)}
}

func (d *Domain) clamp(v Vec) Vec {
	lo, hi := big.NewInt(d.Lo), big.NewInt(d.Hi)
	out := make([]*big.Int, v.Len())
	for i := range out {
		switch x := v.At(i); {
		case x.Cmp(lo) < 0:
			out[i] = lo
		case x.Cmp(hi) > 0:
			out[i] = hi
		default:
			out[i] = x
		}
	}
	return NewVec(out)
}
