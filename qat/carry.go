package qat

import (
	"math"

	"qtool/internal/elementary"
	"qtool/model"
	"qtool/quant"
)

// largestCarried is log2 of what the graph's numbers may reach: 2^28 below the
// largest float32, because gradients multiply them further.
const largestCarried = 100

// carries chooses the power of two by which each tensor's integers are divided
// in the graph, the input's first. It is 0 wherever the largest possible value
// fits float32 as it is. A weighted layer is the place to divide, since its
// codes are small; a polynomial of degree d takes e to d*e.
//
// Dividing by a power of two moves exponents only: the integers, and how float32
// rounds those beyond 2^24, stay the same.
func carries(q *model.Quantized) ([]int, error) {
	shapes, err := q.Network.Shapes()
	if err != nil {
		return nil, err
	}
	all := make([]int, len(shapes)+1)
	in, weighted, tabled := q.Network.Input, 0, 0
	bits := elementary.Log2(float64(q.Input.QMax()) - float64(q.Input.QMin())) // of the integers
	for i, l := range q.Network.Layers {
		e := all[i]
		switch {
		case l.Weighted() && weighted < len(q.Weights):
			largest := float64(quant.Params{Bits: q.Weights[weighted].Bits, Signed: true, NarrowRange: true}.QMax())
			weighted++
			fanIn := 1
			for _, d := range l.WeightShape(in)[1:] {
				fanIn *= d
			}
			bits += elementary.Log2(largest*float64(fanIn)) + 1 // and a bias as large
			if degree := nextDegree(q.Network, i+1); (bits-float64(e))*float64(degree) > largestCarried {
				e = int(math.Ceil(bits)) - largestCarried/(2*degree)
			}
		case l.Type == model.AvgPool:
			bits += elementary.Log2(float64(l.Kernel * l.Kernel))
		case l.Tabled():
			if tabled < len(q.Activations) { // Scaling will complain
				bits = float64(q.Activations[tabled].Params.Bits)
			}
			tabled++
			e = 0
		case l.Activation():
			a, _ := l.PolynomialCoefficients()
			bits, e = bits*float64(len(a)-1), e*(len(a)-1)
		}
		all[i+1], in = e, shapes[i]
	}
	return all, nil
}

// Carry is log2 of what layer i's numbers in the graph are to be multiplied by to
// be its integers.
func (z *Quantizer) Carry(i int) int { return z.carry[i+1] }

// nextDegree is the degree of the polynomial that follows layer i-1 before any
// other weighted layer, or 1.
func nextDegree(n *model.Network, i int) int {
	for ; i < len(n.Layers) && !n.Layers[i].Weighted(); i++ {
		if a, ok := n.Layers[i].PolynomialCoefficients(); ok {
			return len(a) - 1
		}
	}
	return 1
}

func multiply(v []float32, f float32) {
	if f == 1 {
		return
	}
	for i := range v {
		v[i] *= f
	}
}

// carried are the scales of integers that travel divided by 2^e.
func carried(scales []float64, e int) []float64 {
	out := make([]float64, len(scales))
	for c, s := range scales {
		out[c] = math.Ldexp(s, e)
	}
	return out
}
