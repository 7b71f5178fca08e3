// Package ptq quantizes a trained network without training it further: the
// input's quantizer from calibration samples, the weights' from the weights.
package ptq

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"qtool/calibrate"
	"qtool/datasets"
	"qtool/kernel/f32"
	"qtool/model"
)

// calibrationBatch is the images of one observer batch.
const calibrationBatch = 100

// Task is a network to be quantized.
type Task struct {
	Network *model.Network
	Params  model.Parameters // left as they are
	Config  calibrate.Config
	Options Options
	// Images are training samples, drawn from all of them; the first Config.Images
	// calibrate.
	Images *datasets.Split
	// Progress, if not nil, is called as work is done, from one goroutine.
	Progress func(done, total int)
}

// Result is a quantized network and what it approximates.
type Result struct {
	Quantized *model.Quantized
	// Float are parameters of the float network layer by layer comparable with
	// the quantized one's: those given, equalised if that was an option.
	Float model.Parameters
	// Notes say what an option left undone, and why.
	Notes []string
}

// Fold multiplies batch norms into the weights before them, but for batch norms that a
// table takes.
func Fold(n *model.Network, p model.Parameters) (*model.Network, model.Parameters) {
	if !slices.ContainsFunc(n.Layers, func(l model.Layer) bool { return l.Type == model.BatchNorm }) {
		return n, p
	}
	return model.FoldBatchNorms(n, p, func(i int) bool { return n.TableAfter(i) >= 0 })
}

// Run quantizes a network as its options say, with its batch norms folded into
// the weights but for batch norms that a table takes. Layers are equalised first; then
// all scales are chosen; then, layer by layer on what the quantized layers before
// it make of the calibration samples, rounding is learnt and biases are corrected.
//
// When ctx ends, Run returns its error within the time of one layer's scale or of
// one image in each worker.
func Run(ctx context.Context, t Task) (*Result, error) {
	if err := t.Config.Validate(); err != nil {
		return nil, fmt.Errorf("ptq: %w", err)
	}
	if err := t.Params.Check(t.Network); err != nil {
		return nil, err
	}
	if err := t.Config.CheckNetwork(t.Network); err != nil {
		return nil, fmt.Errorf("ptq: %w", err)
	}
	t.Network, t.Params = Fold(t.Network, t.Params)
	if err := t.Options.Check(t.Network, t.Config); err != nil {
		return nil, fmt.Errorf("ptq: %w", err)
	}
	r := &Result{}
	var err error
	if r.Float, r.Notes, err = t.Options.Float(t.Network, t.Params); err != nil {
		return nil, err
	}
	images := t.Images.First(min(t.Config.Images, t.Images.Len()))
	if r.Quantized, err = round(ctx, t.Network, r.Float, t.Config, images); err != nil {
		return nil, err
	}
	if t.Options.LearnedRounding || t.Options.BiasCorrection {
		r.Quantized.Params = r.Float.Clone()
		if err := t.refine(ctx, r, images); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// refine learns rounding and corrects biases, layer by layer.
func (t Task) refine(ctx context.Context, r *Result, images *datasets.Split) error {
	w, err := newWalk(r.Quantized, r.Float, images)
	if err != nil {
		return err
	}
	done, total := 0, len(r.Quantized.Weights)
	if t.Options.LearnedRounding {
		total *= learnSteps
	}
	step := func() {
		if done++; t.Progress != nil {
			t.Progress(done, total)
		}
	}
	for i, l := range t.Network.Layers {
		if !l.Weighted() {
			if err := w.unweighted(ctx, i); err != nil {
				return err
			}
			continue
		}
		if err := w.targets(ctx, i); err != nil {
			return err
		}
		if t.Options.LearnedRounding {
			if err := w.learnRounding(ctx, i, t.Options.BiasCorrection, step); err != nil {
				return err
			}
		}
		if t.Options.BiasCorrection {
			if err := w.correctBias(ctx, i); err != nil {
				return err
			}
			if !t.Options.LearnedRounding {
				step()
			}
		}
		if err := w.weighted(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// Quantize rounds a network's weights to nearest, without further options. The
// input is calibrated on the first c.Images images of a training split. The
// parameters are shared, not copied, where nothing is folded.
func Quantize(ctx context.Context, n *model.Network, p model.Parameters, c calibrate.Config, images *datasets.Split) (*model.Quantized, error) {
	r, err := Run(ctx, Task{Network: n, Params: p, Config: c, Images: images})
	if err != nil {
		return nil, err
	}
	return r.Quantized, nil
}

// round chooses the scales of input and weights.
func round(ctx context.Context, n *model.Network, p model.Parameters, c calibrate.Config, images *datasets.Split) (*model.Quantized, error) {
	q := &model.Quantized{Network: n, Params: p}
	var err error
	if q.Input, err = input(ctx, n, p, c, images); ctx.Err() != nil {
		return nil, ctx.Err()
	} else if err != nil {
		return nil, err
	}
	for _, l := range n.Layers {
		if l.Weighted() || l.Recurrent() {
			q.Weights = append(q.Weights, model.WeightQuantizer{Layer: l.Name, Bits: c.WeightBits(l.Name)})
		}
		if l.Recurrent() {
			q.Recurrent = append(q.Recurrent, c.Recurrent(l))
		}
	}
	if q.Activations, err = activations(ctx, n, p, c, images); err != nil {
		return nil, err
	}
	observe, ranges := c.WeightObserver(n)
	scaling, err := q.Calibrate(func(o model.Observation) ([]float32, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return observe(o)
	}, ranges)
	if err != nil {
		return nil, err
	}
	if err := checkBounds(q, c, scaling); err != nil {
		return nil, err
	}
	return q, nil
}

// checkBounds refuses bounds on accumulators that leave a layer no weight but 0.
func checkBounds(q *model.Quantized, c calibrate.Config, scaling []model.LayerScaling) error {
	for i, l := range q.Network.Layers {
		if !l.Weighted() || c.AccumulatorBits(q.Network, i) == 0 {
			continue
		}
		weight, bias := q.Params.Of(l.Name)
		codes := make([]float32, len(weight))
		scaling[i].WeightCodes(codes, weight, len(bias))
		if f32.AbsMax(codes) == 0 && f32.AbsMax(weight) != 0 {
			return fmt.Errorf("ptq: layer %q: %w into %d bits but one that makes every weight 0", l.Name, calibrate.ErrBound, c.AccumulatorBits(q.Network, i))
		}
	}
	return nil
}

// activations chooses the quantizers of lookup-table activations from their outputs in
// the float network.
func activations(ctx context.Context, n *model.Network, p model.Parameters, c calibrate.Config, images *datasets.Split) ([]model.ActivationQuantizer, error) {
	if !slices.ContainsFunc(n.Layers, model.Layer.LookupTable) {
		return nil, nil
	}
	outputs := make([][][]float32, len(n.Layers)) // of each lookup-table activation, image by image
	calibration := images.First(min(c.Images, images.Len()))
	for k := range calibration.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		outs, err := Forward(n, p, calibration, k)
		if err != nil {
			return nil, err
		}
		for i, l := range n.Layers {
			if !l.LookupTable() {
				continue
			}
			row := make([]float32, len(outs[i]))
			for k, v := range outs[i] {
				row[k] = float32(v)
			}
			outputs[i] = append(outputs[i], row)
		}
	}
	var all []model.ActivationQuantizer
	for at, l := range n.Layers {
		if !l.LookupTable() {
			continue
		}
		params, err := c.Activation(l.Name).Quantizer(l.Name, until(ctx, slices.Values(outputs[at])))
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		a := model.ActivationQuantizer{Layer: l.Name, Params: params}
		for i := range at {
			if n.Layers[i].Weighted() && n.TableAfter(i) == at {
				a.Shift = c.Shift(n, i)
			}
		}
		all = append(all, a)
	}
	return all, nil
}

// until yields what all yields until ctx ends.
func until(ctx context.Context, all iter.Seq[[]float32]) iter.Seq[[]float32] {
	return func(yield func([]float32) bool) {
		for x := range all {
			if ctx.Err() != nil || !yield(x) {
				return
			}
		}
	}
}

// Reals yields a split's images as the network sees them, one after the other, in
// batches whose slice is reused.
func Reals(s *datasets.Split) func(yield func([]float32) bool) {
	return func(yield func([]float32) bool) {
		var x []float32
		for b, err := range s.Batches(calibrationBatch) {
			if err != nil {
				panic(err) // the batch size is a constant
			}
			x = slices.Grow(x[:0], len(b.Images))[:len(b.Images)]
			for i, size := 0, len(b.Images)/len(b.Labels); i < len(b.Labels); i++ {
				s.Reals(x[i*size:(i+1)*size], b.Start+i)
			}
			if !yield(x) {
				return
			}
		}
	}
}
