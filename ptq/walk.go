package ptq

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"

	"qtool/datasets"
	"qtool/model"
)

// walk takes the calibration samples through the float and the quantized network
// side by side, one layer at a time. It holds the tensors of the layers that are
// still to be read, one a sample and network: index 0 is the input, i+1 layer i.
type walk struct {
	q       *model.Quantized
	float   model.Parameters
	scaling []model.LayerScaling
	shapes  [][]int // of each layer's output
	sources [][]int
	last    []int // the last layer that reads each tensor
	real    [][][]float64
	integer [][][]float64 // the quantized network's integers, exact below 2^53
}

func newWalk(q *model.Quantized, float model.Parameters, images *datasets.Split) (*walk, error) {
	scaling, err := q.Scaling()
	if err != nil {
		return nil, err
	}
	shapes, err := q.Network.Shapes()
	if err != nil {
		return nil, err
	}
	sources, err := q.Network.Sources()
	if err != nil {
		return nil, err
	}
	if images.Len() == 0 {
		return nil, fmt.Errorf("ptq: calibration set is empty: no sample to learn rounding or biases from")
	}
	n := len(shapes) + 1
	w := &walk{q: q, float: float, scaling: scaling, shapes: shapes, sources: sources, last: make([]int, n)}
	w.real, w.integer = make([][][]float64, n), make([][][]float64, n)
	for i, from := range sources {
		for _, k := range from {
			w.last[k+1] = i
		}
	}
	w.real[0], w.integer[0] = make([][]float64, images.Len()), make([][]float64, images.Len())
	for i := range w.real[0] {
		x := images.Tensor(i)
		w.real[0][i] = wide(x)
		q.Input.Codes(x, x)
		w.integer[0][i] = wide(x)
	}
	return w, nil
}

// shape is the shape of layer i's tensor, or of the input.
func (w *walk) shape(i int) []int {
	if i == model.Input {
		return w.q.Network.Input
	}
	return w.shapes[i]
}

// reads are the tensors of image k that layer i reads.
func (w *walk) reads(tensors [][][]float64, i, k int) [][]float64 {
	ins := make([][]float64, len(w.sources[i]))
	for n, from := range w.sources[i] {
		ins[n] = tensors[from+1][k]
	}
	return ins
}

// release lets go of the tensors that no layer after i reads.
func (w *walk) release(i int) {
	for _, from := range w.sources[i] {
		if w.last[from+1] == i {
			w.real[from+1], w.integer[from+1] = nil, nil
		}
	}
}

// images is how many there are.
func (w *walk) images() int {
	n := 0
	for _, tensors := range w.integer {
		n = max(n, len(tensors))
	}
	return n
}

// unweighted takes the tensors through layer i, which has no weights.
func (w *walk) unweighted(ctx context.Context, i int) error {
	l, s := w.float.Trained(w.q.Network.Layers[i]), &w.scaling[i]
	n := w.images()
	real, integer := make([][]float64, n), make([][]float64, n)
	in := w.shape(w.sources[i][0])
	var slope, offset []float64
	if l.Type == model.BatchNorm {
		slope, offset = w.float.Normalisation(l.Name)
	}
	err := each(ctx, n, func(k int) {
		reals, integers := w.reads(w.real, i, k), w.reads(w.integer, i, k)
		x := integers[0]
		integer[k] = x
		if l.Type == model.BatchNorm { // the table after it holds it
			real[k] = make([]float64, len(reals[0]))
			per := len(real[k]) / len(slope)
			for j, v := range reals[0] {
				real[k][j] = float64(slope[j/per]*v) + offset[j/per]
			}
			return
		}
		real[k] = l.Forward(reals, in, w.shapes[i], nil, nil)
		switch {
		case s.Table != nil:
			channels := max(len(s.Slope), len(s.Offset))
			y := make([]float64, len(x))
			for j, v := range x {
				y[j] = float64(s.TableCode(l, j*channels/len(x), v))
			}
			integer[k] = y
		case s.Coeffs != nil:
			integer[k] = polynomial(s.Coeffs, x)
		case s.PoolSize > 0:
			sums := l.Forward(integers, in, w.shapes[i], nil, nil)
			for j := range sums {
				sums[j] *= float64(s.PoolSize)
			}
			integer[k] = sums
		case s.Weights != nil:
			y := make([]float64, len(x))
			for n, x := range integers {
				for j, v := range x {
					y[j] += float64(s.Weights[n] * v)
				}
			}
			integer[k] = y
		default: // products, concatenations, maxima: the same of integers as of reals
			integer[k] = l.Forward(integers, in, w.shapes[i], nil, nil)
		}
	})
	w.real[i+1], w.integer[i+1] = real, integer
	w.release(i)
	return err
}

// targets takes the float tensors through the weighted layer i.
func (w *walk) targets(ctx context.Context, i int) error {
	l := w.q.Network.Layers[i]
	weight, bias := w.float.Of(l.Name)
	in := w.shape(w.sources[i][0])
	w.real[i+1] = make([][]float64, w.images())
	return each(ctx, len(w.real[i+1]), func(k int) {
		w.real[i+1][k] = l.Forward(w.reads(w.real, i, k), in, w.shapes[i], weight, bias)
	})
}

// weighted takes the integers through the weighted layer i, with the weights and
// the bias that the quantized network has by now.
func (w *walk) weighted(ctx context.Context, i int) error {
	beta, sums := w.biases(i), w.sums(i)
	out := make([][]float64, w.images())
	err := each(ctx, len(out), func(k int) {
		out[k] = sums(w.reads(w.integer, i, k))
		per := len(out[k]) / len(beta)
		for j := range out[k] {
			out[k][j] += beta[j/per]
		}
	})
	w.integer[i+1] = out
	w.release(i)
	if err != nil {
		return err
	}
	for k := range out {
		if j := slices.IndexFunc(out[k], func(v float64) bool { return v-v != 0 }); j >= 0 {
			return fmt.Errorf("ptq: layer %q: integer %v of sample %d passes float64: fewer bits or fewer products in a row make it smaller", w.q.Network.Layers[i].Name, out[k][j], k)
		}
	}
	return nil
}

// biases are the integer biases of layer i; biases that a table takes are 0.
func (w *walk) biases(i int) []float64 {
	_, bias := w.q.Params.Of(w.q.Network.Layers[i].Name)
	beta := make([]float64, len(bias))
	if !w.scaling[i].Deferred {
		w.scaling[i].BiasCodes(beta, bias)
	}
	return beta
}

// sums is the integer linear map of layer i without its bias.
func (w *walk) sums(i int) func(ins [][]float64) []float64 {
	l := w.q.Network.Layers[i]
	weight, bias := w.q.Params.Of(l.Name)
	codes, none := make([]float32, len(weight)), make([]float32, len(bias))
	w.scaling[i].WeightCodes(codes, weight, len(bias))
	in, out := w.shape(w.sources[i][0]), w.shapes[i]
	return func(ins [][]float64) []float64 { return l.Forward(ins, in, out, codes, none) }
}

// polynomial applies one row of coefficients for the tensor or one a channel.
func polynomial(rows [][]float64, x []float64) []float64 {
	y := make([]float64, len(x))
	for k, v := range x {
		a := rows[k*len(rows)/len(x)]
		for d := len(a) - 1; d >= 0; d-- {
			y[k] = float64(y[k]*v) + a[d]
		}
	}
	return y
}

// each calls f for 0..n-1, spread over the cores.
func each(ctx context.Context, n int, f func(k int)) error {
	workers := runtime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	for first := range workers {
		wg.Go(func() {
			for k := first; k < n && ctx.Err() == nil; k += workers {
				f(k)
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// channelMeans is the mean of every channel over tensors of equal shape.
func channelMeans(tensors [][]float64, channels int) []float64 {
	means := make([]float64, channels)
	for _, x := range tensors {
		per := len(x) / channels
		for c := range means {
			for _, v := range x[c*per : (c+1)*per] {
				means[c] += v
			}
		}
	}
	for c := range means {
		means[c] /= float64(len(tensors) * (len(tensors[0]) / channels))
	}
	return means
}
