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

// walk takes the calibration images through the float and the quantized network
// side by side, one layer at a time. It holds one tensor an image and network.
type walk struct {
	q       *model.Quantized
	float   model.Parameters
	scaling []model.LayerScaling
	shapes  [][]int // of each layer's output
	in      []int   // shape of the tensors held
	real    [][]float64
	integer [][]float64 // the quantized network's integers, exact below 2^53
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
	if images.Len() == 0 {
		return nil, fmt.Errorf("ptq: calibration set is empty: no image to learn rounding or biases from")
	}
	w := &walk{q: q, float: float, scaling: scaling, shapes: shapes, in: q.Network.Input}
	w.real, w.integer = make([][]float64, images.Len()), make([][]float64, images.Len())
	for i := range w.real {
		x := make([]float32, len(images.Image(i)))
		datasets.Augment{}.Apply(x, images.Image(i), images.Shape, 0, 0, 0)
		w.real[i] = wide(x)
		q.Input.Codes(x, x)
		w.integer[i] = wide(x)
	}
	return w, nil
}

// unweighted takes the tensors through layer i, which has no weights.
func (w *walk) unweighted(ctx context.Context, i int) error {
	l, s := w.float.Trained(w.q.Network.Layers[i]), &w.scaling[i]
	if l.Type == model.BatchNorm { // the table after it holds it
		slope, offset := w.float.Normalisation(l.Name)
		return each(ctx, len(w.real), func(k int) {
			per := len(w.real[k]) / len(slope)
			for j, v := range w.real[k] {
				w.real[k][j] = float64(slope[j/per]*v) + offset[j/per]
			}
		})
	}
	err := each(ctx, len(w.real), func(k int) {
		w.real[k] = l.Forward(w.real[k], w.in, w.shapes[i], nil, nil)
		switch x := w.integer[k]; {
		case s.Table != nil:
			channels := max(len(s.Slope), len(s.Offset))
			y := make([]float64, len(x))
			for j, v := range x {
				y[j] = float64(s.TableCode(l, j*channels/len(x), v))
			}
			w.integer[k] = y
		case s.Coeffs != nil:
			w.integer[k] = polynomial(s.Coeffs, x)
		case s.PoolSize > 0:
			sums := l.Forward(x, w.in, w.shapes[i], nil, nil)
			for j := range sums {
				sums[j] *= float64(s.PoolSize)
			}
			w.integer[k] = sums
		}
	})
	w.in = w.shapes[i]
	return err
}

// targets takes the float tensors through the weighted layer i.
func (w *walk) targets(ctx context.Context, i int) error {
	l := w.q.Network.Layers[i]
	weight, bias := w.float.Of(l.Name)
	return each(ctx, len(w.real), func(k int) {
		w.real[k] = l.Forward(w.real[k], w.in, w.shapes[i], weight, bias)
	})
}

// weighted takes the integers through the weighted layer i, with the weights and
// the bias that the quantized network has by now.
func (w *walk) weighted(ctx context.Context, i int) error {
	beta, sums := w.biases(i), w.sums(i)
	err := each(ctx, len(w.integer), func(k int) {
		w.integer[k] = sums(w.integer[k])
		per := len(w.integer[k]) / len(beta)
		for j := range w.integer[k] {
			w.integer[k][j] += beta[j/per]
		}
	})
	w.in = w.shapes[i]
	if err != nil {
		return err
	}
	for k := range w.integer {
		if j := slices.IndexFunc(w.integer[k], func(v float64) bool { return v-v != 0 }); j >= 0 {
			return fmt.Errorf("ptq: layer %q: integer %v of image %d passes float64: fewer bits or fewer products in a row make it smaller", w.q.Network.Layers[i].Name, w.integer[k][j], k)
		}
	}
	return nil
}

// biases are the integer biases of layer i; those that a table takes are 0.
func (w *walk) biases(i int) []float64 {
	_, bias := w.q.Params.Of(w.q.Network.Layers[i].Name)
	beta := make([]float64, len(bias))
	if !w.scaling[i].Deferred {
		w.scaling[i].BiasCodes(beta, bias)
	}
	return beta
}

// sums is the integer linear map of layer i without its bias.
func (w *walk) sums(i int) func(x []float64) []float64 {
	l := w.q.Network.Layers[i]
	weight, bias := w.q.Params.Of(l.Name)
	codes, none := make([]float32, len(weight)), make([]float32, len(bias))
	w.scaling[i].WeightCodes(codes, weight, len(bias))
	in, out := w.in, w.shapes[i]
	return func(x []float64) []float64 { return l.Forward(x, in, out, codes, none) }
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
