package ptq

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"qtool/model"
)

// maxFanIn bounds the inputs of an output whose rounding is learnt: their
// second moments are a matrix of that side, 128 MiB at the limit.
const maxFanIn = 1 << 12

// moments are the sums over samples (images and positions) that the squared
// error of a linear layer depends on. With a sample's inputs y of length K and
// targets t of length O,
//
//	squares = sum y y^T  [K, K],   products = sum t y^T  [O, K],   targets = sum t^2  [O]
type moments struct {
	inputs, outputs int
	squares         []float64
	products        []float64
	targets         []float64
	inputSum        []float64 // sum y
	targetSum       []float64 // sum t
	count           float64
}

func newMoments(inputs, outputs int) *moments {
	return &moments{
		inputs: inputs, outputs: outputs,
		squares: make([]float64, inputs*inputs), products: make([]float64, outputs*inputs),
		targets: make([]float64, outputs), inputSum: make([]float64, inputs), targetSum: make([]float64, outputs),
	}
}

// add takes samples: y of shape [n, K], t of shape [n, O].
func (m *moments) add(y, t []float64) {
	n := len(t) / m.outputs
	addGram(m.squares, y, y, m.inputs, n, m.inputs)
	addGram(m.products, t, y, m.outputs, n, m.inputs)
	for r := range n {
		for k, v := range y[r*m.inputs : (r+1)*m.inputs] {
			m.inputSum[k] += v
		}
		for o, v := range t[r*m.outputs : (r+1)*m.outputs] {
			m.targets[o] += float64(v * v)
			m.targetSum[o] += v
		}
	}
	m.count += float64(n)
}

// merge adds other to m.
func (m *moments) merge(other *moments) {
	for _, p := range [][2][]float64{
		{m.squares, other.squares}, {m.products, other.products}, {m.targets, other.targets},
		{m.inputSum, other.inputSum}, {m.targetSum, other.targetSum},
	} {
		for i, v := range p[1] {
			p[0][i] += v
		}
	}
	m.count += other.count
}

// centre subtracts the means from inputs and targets: the error that is left
// when every output gets the offset that suits it best.
func (m *moments) centre() {
	for i, a := range m.inputSum {
		for j, b := range m.inputSum {
			m.squares[i*m.inputs+j] -= a * b / m.count
		}
	}
	for o, t := range m.targetSum {
		for j, b := range m.inputSum {
			m.products[o*m.inputs+j] -= t * b / m.count
		}
		m.targets[o] -= t * t / m.count
	}
}

// parts is how many partial sums the moments are made of: fixed, so that they
// are the same on any number of cores.
const parts = 4

// batchRows is how many samples are added at once.
const batchRows = 256

// moments sums up a group of the weighted layer i, group 0 where it has one alone:
// inputs are the layer's integers times inScale, targets the float pre-activations
// without the quantized bias.
func (w *walk) moments(ctx context.Context, i, group int, inScale float64) (*moments, error) {
	l, bias, out := w.q.Network.Layers[i], w.biases(i), w.scaling[i].Out
	for o := range bias {
		bias[o] *= out[o%len(out)]
	}
	in := w.shape(w.sources[i][0])
	shape := l.WeightShape(in)
	groups := max(l.Groups, 1)
	outputs, inputs := shape[0]/groups, 1
	for _, d := range shape[1:] {
		inputs *= d
	}
	if inputs > maxFanIn {
		return nil, fmt.Errorf("ptq: layer %q: learned rounding takes up to %d inputs an output, this layer has %d", l.Name, maxFanIn, inputs)
	}
	bias = bias[group*outputs : (group+1)*outputs]
	integer := w.integer[w.sources[i][0]+1]
	partial := make([]*moments, parts)
	var wg sync.WaitGroup
	running := make(chan struct{}, runtime.GOMAXPROCS(0))
	for part := range parts {
		wg.Go(func() {
			running <- struct{}{}
			defer func() { <-running }()
			m := newMoments(inputs, outputs)
			var y, t []float64
			for k := part; k < len(integer) && ctx.Err() == nil; k += parts {
				y = appendPatches(y, l, integer[k], in, w.shapes[i], group, inScale)
				z := w.real[i+1][k]
				t = appendSamples(t, z[group*len(z)/groups:(group+1)*len(z)/groups], bias)
				if len(t) >= batchRows*outputs {
					m.add(y, t)
					y, t = y[:0], t[:0]
				}
			}
			if len(t) > 0 {
				m.add(y, t)
			}
			partial[part] = m
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, m := range partial[1:] {
		partial[0].merge(m)
	}
	return partial[0], nil
}

// appendPatches appends the inputs that each position of a group of a layer's output
// reads, times scale: shape [positions, K].
func appendPatches(y []float64, l model.Layer, x []float64, in, out []int, group int, scale float64) []float64 {
	if l.Type == model.Dense {
		for _, v := range x {
			y = append(y, scale*v)
		}
		return y
	}
	win := l.Window(in)
	channels := in[0] / win.Groups
	for r := range out[1] {
		for c := range out[2] {
			for ch := range channels {
				plane := (group*channels + ch) * in[1]
				for i := range win.Kernel[0] {
					for j := range win.Kernel[1] {
						rr, cc := r*win.Stride[0]+i*win.Dilation[0]-win.Before[0], c*win.Stride[1]+j*win.Dilation[1]-win.Before[1]
						v := 0.0
						if rr >= 0 && rr < in[1] && cc >= 0 && cc < in[2] {
							v = scale * x[(plane+rr)*in[2]+cc]
						}
						y = append(y, v)
					}
				}
			}
		}
	}
	return y
}

// appendSamples appends z without the bias, in the order [positions, outputs].
func appendSamples(t, z, bias []float64) []float64 {
	positions := len(z) / len(bias)
	for r := range positions {
		for o, b := range bias {
			t = append(t, z[o*positions+r]-b)
		}
	}
	return t
}
