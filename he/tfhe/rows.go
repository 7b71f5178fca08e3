package tfhe

import (
	"context"
	"math"
	"slices"

	"qtool/bundle"
)

// identity is the values from number first on.
func identity(first, n int) *bundle.Rows {
	r := constant(make([]int64, n))
	for i := range n {
		r.In, r.W, r.Start[i+1] = append(r.In, int32(first+i)), append(r.W, 1), int32(i+1)
	}
	r.Inputs = first + n
	return r
}

// constant depends on no value.
func constant(c []int64) *bundle.Rows {
	return &bundle.Rows{Start: make([]int32, len(c)+1), Bias: bundle.Vec{Small: c}}
}

func isConstant(r *bundle.Rows) bool { return len(r.In) == 0 }

func isZero(r *bundle.Rows) bool {
	return isConstant(r) && !slices.ContainsFunc(r.Bias.Small, func(c int64) bool { return c != 0 })
}

// diagonal multiplies elementwise by a constant tensor, whose elements are at most
// maxFactor.
func diagonal(c *bundle.Rows) *bundle.Rows {
	n := c.Outputs()
	r := identity(0, n)
	for i := range n {
		r.W[i] = int32(c.Bias.Low64(i))
	}
	return r
}

// onValues is the linear map of a tensor of n elements on the values from number 0 on.
func (l *layer) onValues(n int) (*bundle.Rows, error) {
	if l.rows == nil {
		return identity(l.from, n), nil
	}
	if err := smallBias(l.rows); err != nil {
		return nil, err
	}
	if l.from == 0 {
		return l.rows, nil
	}
	return offset(l.rows, l.from), nil
}

// offset is r on the values from number first on.
func offset(r *bundle.Rows, first int) *bundle.Rows {
	out := *r
	out.Inputs += first
	out.In = slices.Clone(r.In)
	for i := range out.In {
		out.In[i] += int32(first)
	}
	return &out
}

// pick is the outputs from..to-1 of r.
func pick(r *bundle.Rows, from, to int) *bundle.Rows {
	a, b := r.Start[from], r.Start[to]
	out := &bundle.Rows{Inputs: r.Inputs, In: r.In[a:b], W: r.W[a:b], Bias: r.Bias.Slice(from, to)}
	for _, s := range r.Start[from : to+1] {
		out.Start = append(out.Start, s-a)
	}
	return out
}

// concatenate is all outputs of all parts.
func concatenate(parts []*bundle.Rows) *bundle.Rows {
	out := &bundle.Rows{Start: []int32{0}}
	for _, p := range parts {
		for o := range p.Outputs() {
			in, w := p.Row(o)
			out.In, out.W = append(out.In, in...), append(out.W, w...)
			out.Start = append(out.Start, int32(len(out.In)))
			out.Bias.Small = append(out.Bias.Small, p.Bias.Low64(o))
		}
		out.Inputs = max(out.Inputs, p.Inputs)
	}
	return out
}

// maxBias bounds the magnitude of a bias, so that sums with it fit an int64.
const maxBias = 1 << 60

// smallBias returns an error if a bias passes maxBias.
func smallBias(r *bundle.Rows) error {
	for o := range r.Outputs() {
		if math.Abs(r.Bias.Float(o)) > maxBias {
			return beyond("bias %v of element %d passes the limit of 60 bits", r.Bias.At(o), o)
		}
	}
	return nil
}

// maxTerms bounds the terms of a composed map, to half a gibibyte of them.
const maxTerms = 1 << 26

// compose is the map x -> outer(inner(x)). Weights of one input add up. It returns an
// error for weights beyond 32 bits, biases beyond maxBias, more than maxTerms terms,
// and ctx's once that is done.
func compose(ctx context.Context, outer, inner *bundle.Rows) (*bundle.Rows, error) {
	for _, r := range []*bundle.Rows{outer, inner} {
		if err := smallBias(r); err != nil {
			return nil, err
		}
	}
	r := &bundle.Rows{Inputs: inner.Inputs, Start: []int32{0}}
	weight := make([]int64, inner.Inputs)
	seen := make([]bool, inner.Inputs)
	for o := range outer.Outputs() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var touched []int32
		bias := outer.Bias.Low64(o)
		size := math.Abs(float64(bias)) // of the bias and everything it is a sum of
		mid, w := outer.Row(o)
		for k, m := range mid {
			b := inner.Bias.Low64(int(m))
			bias += int64(w[k]) * b
			size += math.Abs(float64(w[k]) * float64(b))
			in, v := inner.Row(int(m))
			for j, i := range in {
				if !seen[i] {
					seen[i] = true
					touched = append(touched, i)
				}
				weight[i] += int64(w[k]) * int64(v[j])
			}
		}
		for _, i := range touched {
			if x := weight[i]; x != 0 {
				if x < math.MinInt32 || x > math.MaxInt32 {
					return nil, beyond("composed weight %d of output %d passes 32 bits", x, o)
				}
				r.In, r.W = append(r.In, i), append(r.W, int32(x))
			}
			weight[i], seen[i] = 0, false
		}
		if len(r.In) > maxTerms {
			return nil, beyond("composed linear maps have more than %d terms at output %d of %d", maxTerms, o, outer.Outputs())
		}
		if size > maxBias {
			return nil, beyond("composed bias of output %d passes 60 bits", o)
		}
		r.Start, r.Bias.Small = append(r.Start, int32(len(r.In))), append(r.Bias.Small, bias)
	}
	return r, nil
}
