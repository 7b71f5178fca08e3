package qat

import (
	"math"
	"slices"

	"qtool/internal/elementary"
	"qtool/model"
	"qtool/quant"
)

// largestExponent is log2 of what the graph's numbers may reach: 2^28 below the
// largest float32, because gradients multiply them further.
const largestExponent = 100

// exponentOffsets chooses the exponent offset e of each tensor, the input's first: the
// graph holds the integers divided by 2^e. It is 0 wherever the largest possible value
// fits float32 as it is. A weighted layer is the place to divide, since its
// codes are small; a polynomial of degree d takes e to d*e, a product of two
// tensors adds theirs up, and what joins others takes the largest.
//
// Dividing by a power of two moves exponents only: the integers, and how float32
// rounds those beyond 2^24, stay the same.
func exponentOffsets(q *model.Quantized, sources [][]int) ([]int, error) {
	shapes, err := q.Network.Shapes()
	if err != nil {
		return nil, err
	}
	var scaling []model.LayerScaling
	if slices.ContainsFunc(q.Network.Layers, func(l model.Layer) bool { return l.Type == model.Add }) {
		if scaling, err = q.Scaling(); err != nil {
			return nil, err
		}
	}
	degrees := nextDegrees(q.Network, sources)
	all, bits := make([]int, len(shapes)+1), make([]float64, len(shapes)+1) // bits of the integers
	bits[0] = elementary.Log2(float64(q.Input.QMax()) - float64(q.Input.QMin()))
	weighted, tables := 0, 0
	for i, l := range q.Network.Layers {
		from := sources[i]
		e, size := all[from[0]+1], bits[from[0]+1]
		in := q.Network.Input
		if from[0] != model.Input {
			in = shapes[from[0]]
		}
		switch {
		case l.Recurrent():
			weighted++
			e, size = 0, 0
			for _, r := range q.Recurrent {
				if r.Layer == l.Name {
					size = float64(max(int(r.StateBits), r.Fraction+1))
				}
			}
		case l.Weighted() && weighted < len(q.Weights):
			largest := float64(quant.Params{Bits: q.Weights[weighted].Bits, Signed: true, NarrowRange: true}.QMax())
			weighted++
			fanIn := 1
			for _, d := range l.WeightShape(in)[1:] {
				fanIn *= d
			}
			size += elementary.Log2(largest*float64(fanIn)) + 1 // and a bias as large
			if degree := degrees[i]; (size-float64(e))*float64(degree) > largestExponent {
				e = int(math.Ceil(size)) - largestExponent/(2*degree)
			}
		case l.Averages():
			size += elementary.Log2(float64(l.Window(in).Area()))
		case l.Type == model.Add || l.Type == model.Concat:
			e, size = 0, 0
			for k, f := range from {
				part := bits[f+1]
				if l.Type == model.Add {
					part += elementary.Log2(math.Abs(scaling[i].Weights[k])) + elementary.Log2(float64(len(from)))
				}
				e, size = max(e, all[f+1]), max(size, part)
			}
			if degree := degrees[i]; (size-float64(e))*float64(degree) > largestExponent {
				e = int(math.Ceil(size)) - largestExponent/(2*degree)
			}
		case l.Type == model.Mul:
			e, size = e+all[from[1]+1], size+bits[from[1]+1]
		case l.LookupTable():
			if e = 0; tables < len(q.Activations) { // Scaling will complain
				size = float64(q.Activations[tables].Params.Bits)
			}
			tables++
		case l.Activation():
			a, _ := l.PolynomialCoefficients()
			size, e = size*float64(len(a)-1), e*(len(a)-1)
		}
		all[i+1], bits[i+1] = e, size
	}
	return all, nil
}

// ExponentOffset is e of layer i: its integers are the graph's numbers times 2^e.
func (z *Quantizer) ExponentOffset(i int) int { return z.exponents[i+1] }

// nextDegrees has for each layer the largest degree of the activations that its tensor
// reaches before another weighted layer or a table: a polynomial's own, 2 for a product,
// and 1 where there is neither.
func nextDegrees(n *model.Network, sources [][]int) []int {
	degrees := make([]int, len(n.Layers))
	for i := range degrees {
		degrees[i] = 1
	}
	for k := len(n.Layers) - 1; k >= 0; k-- {
		l := n.Layers[k]
		degree := degrees[k]
		if a, polynomial := l.PolynomialCoefficients(); polynomial {
			degree = len(a) - 1
		} else if l.Type == model.Mul {
			degree = 2
		} else if l.Weighted() || l.LookupTable() || l.Recurrent() {
			degree = 1
		}
		for _, from := range sources[k] {
			if from != model.Input {
				degrees[from] = max(degrees[from], degree)
			}
		}
	}
	return degrees
}

func multiply(v []float32, f float32) {
	if f == 1 {
		return
	}
	for i := range v {
		v[i] *= f
	}
}

// offsetScales are the scales of integers that the graph holds divided by 2^e:
// scale * 2^e.
func offsetScales(scales []float64, e int) []float64 {
	out := make([]float64, len(scales))
	for c, s := range scales {
		out[c] = math.Ldexp(s, e)
	}
	return out
}
