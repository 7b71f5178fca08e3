package bundle

import (
	"math"
	"math/big"
)

// Rows is a linear map on integer vectors in compressed sparse rows:
//
//	out[o] = Bias[o] + sum over k in Start[o]..Start[o+1] of W[k] * in[In[k]]
//
// Zero weights are left out. It is the one definition of every linear
// operation (Dense, Conv2D, SumPool): the proof, the reference and the
// encrypted executors read the same rows.
type Rows struct {
	Inputs int
	Start  []int32 // len(out) + 1
	In     []int32
	W      []int32
	Bias   Vec

	norm uint64 // MaxL1, or 0 where it is not known
}

// Outputs is the number of rows.
func (r *Rows) Outputs() int { return r.Bias.Len() }

// Row returns the input indices and weights of output o.
func (r *Rows) Row(o int) (in, w []int32) {
	a, b := r.Start[o], r.Start[o+1]
	return r.In[a:b], r.W[a:b]
}

// Disjoint reports whether no input is read by two rows.
func (r *Rows) Disjoint() bool {
	seen := make([]bool, r.Inputs)
	for _, i := range r.In {
		if seen[i] {
			return false
		}
		seen[i] = true
	}
	return true
}

// Norms are the L1 norm and the squared L2 norm of output o's weights.
func (r *Rows) Norms(o int) (l1, square float64) {
	_, w := r.Row(o)
	for _, x := range w {
		v := math.Abs(float64(x))
		l1 += v
		square += float64(v * v)
	}
	return l1, square
}

// MaxL1 is the largest L1 norm of a row's weights.
func (r *Rows) MaxL1() uint64 {
	if r.norm > 0 {
		return r.norm
	}
	var m uint64
	for o := range r.Outputs() {
		_, w := r.Row(o)
		var s uint64
		for _, x := range w {
			s += absUint(int64(x))
		}
		m = max(m, s)
	}
	return m
}

// rowBuilder appends rows one weight at a time; the biases are set apart.
type rowBuilder struct{ r Rows }

func newRowBuilder(inputs, outputs, weights int) *rowBuilder {
	return &rowBuilder{Rows{
		Inputs: inputs,
		Start:  append(make([]int32, 0, outputs+1), 0),
		In:     make([]int32, 0, weights),
		W:      make([]int32, 0, weights),
	}}
}

func (b *rowBuilder) add(in int, w int32) {
	if w != 0 {
		b.r.In = append(b.r.In, int32(in))
		b.r.W = append(b.r.W, w)
	}
}

func (b *rowBuilder) end() { b.r.Start = append(b.r.Start, int32(len(b.r.In))) }

// rows is what was built.
func (b *rowBuilder) rows() *Rows {
	b.r.norm = b.r.MaxL1()
	return &b.r
}

// apply evaluates the rows exactly: in int64 where no partial sum can leave it,
// digit by digit otherwise, and in arbitrary precision where weights are too
// large for that.
func (r *Rows) apply(in Vec) Vec {
	norm := r.MaxL1()
	if in.Big == nil && r.Bias.Big == nil && fits(maxAbs(in.Small), norm, maxAbs(r.Bias.Small)) {
		out := make([]int64, r.Outputs())
		r.dots(out, in.Small)
		for o, b := range r.Bias.Small {
			out[o] += b
		}
		return Vec{Small: out}
	}
	x := in.wide()
	if d, ok := newDigits(x, norm); ok {
		return d.apply(r)
	}
	return r.applyWide(x)
}

// applyWide is apply in arbitrary precision.
func (r *Rows) applyWide(x []*big.Int) Vec {
	out := make([]*big.Int, r.Outputs())
	var t, w big.Int
	for o := range out {
		acc := r.Bias.At(o)
		idx, ws := r.Row(o)
		for k, i := range idx {
			acc.Add(acc, t.Mul(w.SetInt64(int64(ws[k])), x[i]))
		}
		out[o] = acc
	}
	return NewVec(out)
}

// bounds is the exact interval of every output over all inputs in b:
//
//	lo = Bias + sum_{w>0} w*lo_i + sum_{w<0} w*hi_i,   hi likewise.
//
// Each bound is attained: take lo_i or hi_i by the sign of the weight.
func (r *Rows) bounds(b Bounds) Bounds {
	// Two rows an output over the inputs [lo..., hi...] make both bounds by the
	// same evaluation as everything else.
	n := r.Inputs
	both := newRowBuilder(2*n, 2*r.Outputs(), 2*len(r.In))
	both.r.Bias = joinBounds(Bounds{r.Bias, r.Bias})
	for _, low := range []bool{true, false} {
		for o := range r.Outputs() {
			idx, w := r.Row(o)
			for k, i := range idx {
				if at := int(i); (w[k] > 0) == low {
					both.add(at, w[k])
				} else {
					both.add(at+n, w[k])
				}
			}
			both.end()
		}
	}
	return splitBounds(both.rows().apply(joinBounds(b)))
}
