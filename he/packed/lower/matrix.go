package lower

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"qtool/bundle"
)

// Matrix is a fused linear map in compressed sparse rows, as bundle.Rows, with
// weights and biases that products of layers need:
//
//	out[o] = Bias[o] + sum over k in Start[o]..Start[o+1] of W[k] * in[In[k]]
//
// Maps that read the program's input have entries for weights of zero too; see support.
type Matrix struct {
	Inputs int
	Start  []int32
	In     []int32
	W      []int64
	Bias   []*big.Int
}

// Outputs is the number of rows.
func (m *Matrix) Outputs() int { return len(m.Bias) }

// Row returns the input indices and weights of output o.
func (m *Matrix) Row(o int) (in []int32, w []int64) {
	a, b := m.Start[o], m.Start[o+1]
	return m.In[a:b], m.W[a:b]
}

func fromRows(r *bundle.Rows) *Matrix {
	m := &Matrix{Inputs: r.Inputs, Start: r.Start, In: r.In, W: make([]int64, len(r.W)), Bias: make([]*big.Int, r.Outputs())}
	for k, w := range r.W {
		m.W[k] = int64(w)
	}
	for o := range m.Bias {
		m.Bias[o] = r.Bias.At(o)
	}
	return m
}

// identity maps n values to themselves.
func identity(n int) *Matrix {
	m := &Matrix{Inputs: n, Start: make([]int32, n+1), In: make([]int32, n), W: make([]int64, n), Bias: make([]*big.Int, n)}
	for i := range n {
		m.Start[i+1], m.In[i], m.W[i], m.Bias[i] = int32(i+1), int32(i), 1, new(big.Int)
	}
	return m
}

// errFused marks maps that cannot be multiplied.
var errFused = errors.New("fused map is too large")

// after is the map that applies f first and m to its result. It returns an
// error that wraps errFused if the product passes bundle.MaxTerms entries or a weight
// may pass 62 bits, and ctx's once that is done.
func (m *Matrix) after(ctx context.Context, f *Matrix) (*Matrix, error) {
	if m.Inputs != f.Outputs() {
		return nil, fmt.Errorf("a map of %d inputs after one of %d outputs", m.Inputs, f.Outputs())
	}
	widest := make([]float64, f.Outputs()) // weight of each row
	for o := range widest {
		_, w := f.Row(o)
		for _, x := range w {
			widest[o] = max(widest[o], float64(x), -float64(x))
		}
	}
	p := &Matrix{Inputs: f.Inputs, Start: []int32{0}, Bias: make([]*big.Int, m.Outputs())}
	sum, seen := make([]int64, f.Inputs), make([]bool, f.Inputs)
	var touched []int32
	var t big.Int
	for o := range p.Bias {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		in, w := m.Row(o)
		norm := 0.0
		p.Bias[o] = new(big.Int).Set(m.Bias[o])
		for k, i := range in {
			norm += float64(max(float64(w[k]), -float64(w[k])) * widest[i])
			p.Bias[o].Add(p.Bias[o], t.Mul(t.SetInt64(w[k]), f.Bias[i]))
		}
		if norm >= 1<<62 {
			return nil, fmt.Errorf("%w: weights of output %d pass 62 bits", errFused, o)
		}
		for k, i := range in {
			fin, fw := f.Row(int(i))
			for l, j := range fin {
				if !seen[j] {
					seen[j] = true
					touched = append(touched, j)
				}
				sum[j] += w[k] * fw[l]
			}
		}
		for _, j := range touched {
			p.In, p.W = append(p.In, j), append(p.W, sum[j])
			sum[j], seen[j] = 0, false
		}
		touched = touched[:0]
		if len(p.In) > bundle.MaxTerms {
			return nil, fmt.Errorf("%w: it passes %d terms", errFused, bundle.MaxTerms)
		}
		p.Start = append(p.Start, int32(len(p.In)))
	}
	return p, nil
}
