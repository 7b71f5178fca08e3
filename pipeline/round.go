package pipeline

import (
	"context"
	"errors"

	"qtool/bundle"
	"qtool/calibrate"
	"qtool/export"
	"qtool/internal/hint"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
)

// rounded is a network that was quantized without training, and may be fine-tuned.
type rounded struct {
	m         *Material
	quantized *model.Quantized
	tuned     interface{ Quantized() *model.Quantized } // nil before fine-tuning
}

// round quantizes a float network without training it.
func (m *Material) round(ctx context.Context, float *model.Checkpoint) (*rounded, error) {
	n, params, err := m.Approximate(ctx, float)
	if err != nil {
		return nil, err
	}
	q := m.w.recipe.Quantize
	bar := m.w.Begin("quantize", 0)
	result, err := m.RoundOff(ctx, n, params, q.Config, q.PTQ, bar.Set)
	bar.End(err)
	if err != nil {
		return nil, err
	}
	for _, n := range result.Notes {
		m.w.Note(n)
	}
	return &rounded{m: m, quantized: result.Quantized}, nil
}

// finetuning is the training with quantization, which changes the network.
func (r *rounded) finetuning(ctx context.Context) (train.Task, error) {
	q, c := r.quantized, r.m.w.recipe.Quantize
	options := qat.OptionsOf(c.Config, q.Network)
	if c.Finetune.StartQuantization > 0 {
		options.Calibrate = func(p model.Parameters) (*model.Quantized, error) {
			return ptq.Quantize(ctx, q.Network, p, c.Config, r.m.calibration())
		}
	}
	z, err := qat.Training(q, options)
	if err != nil {
		return train.Task{}, err
	}
	r.tuned = z
	return r.m.task("qat", train.Task{Network: q.Network, Params: q.Params, Quantizer: z, Config: c.Finetune})
}

// log is how the polynomials' inputs lie to their intervals in a network that is not
// fine-tuned, nil where there are none.
func (r *rounded) log(ctx context.Context) (*TrainingLog, error) {
	z, err := qat.New(r.quantized)
	if err != nil {
		return nil, err
	}
	var log TrainingLog
	if err := r.m.lookOutside(ctx, &log, r.quantized.Network, r.quantized.Params, z); err != nil || log.Outside == nil {
		return nil, err
	}
	return &log, nil
}

// checkpoint is the network as it is now.
func (r *rounded) checkpoint() *model.Checkpoint {
	q := r.quantized
	if r.tuned != nil {
		q = r.tuned.Quantized()
	}
	c := r.m.Checkpoint(q.Network, q.Params)
	c.Quantizers = &model.Quantizers{Input: q.Input, Weights: q.Weights, Activations: q.Activations, Recurrent: q.Recurrent}
	return c
}

// Approximate is the float network with polynomials in the place of the functions
// whose interval the recipe leaves to be measured.
func (m *Material) Approximate(ctx context.Context, float *model.Checkpoint) (*model.Network, model.Parameters, error) {
	return ptq.Approximate(ctx, m.Network, float.Params, m.calibration(), m.w.recipe.Quantize.Images)
}

// RoundOff quantizes without training.
func (m *Material) RoundOff(ctx context.Context, n *model.Network, p model.Parameters, c calibrate.Config, o ptq.Options, progress func(done, total int)) (*ptq.Result, error) {
	return ptq.Run(ctx, ptq.Task{Network: n, Params: p, Config: c, Options: o, Images: m.calibration(), Progress: progress})
}

// Program is the integer program of a quantized network. Where the numbers get too wide,
// the error wraps export.ErrTooWide and carries advice.
func (m *Material) Program(q *model.Quantized) (*bundle.Program, error) {
	p, err := export.Program(q, m.Labels())
	if errors.Is(err, export.ErrTooWide) {
		return nil, hint.With(err, m.NarrowHint())
	}
	return p, err
}

// file is the bundle of a quantized checkpoint, without provenance, and each layer's SQNR
// in decibels.
func (m *Material) file(c *model.Checkpoint) (*bundle.File, []float64, error) {
	q, err := c.Quantized()
	if err != nil {
		return nil, nil, err
	}
	p, err := m.Program(q)
	if err != nil {
		return nil, nil, err
	}
	float, err := m.reference(c)
	if err != nil {
		return nil, nil, err
	}
	return m.File(q, p, float, observedSamples, goldenSamples)
}

// reference is the parameters of the float network with which a quantized checkpoint's
// layers are compared. After quantization-aware training these are the checkpoint's own
// master weights; after rounding alone the float network's, with the checkpoint's
// polynomials.
func (m *Material) reference(c *model.Checkpoint) (model.Parameters, error) {
	if c.Provenance.Stage != "ptq" {
		return c.Params, nil
	}
	float, err := model.ReadCheckpoint(m.w.Path(FileFloat))
	if err != nil {
		return nil, err
	}
	_, folded := ptq.Fold(float.Network, float.Params)
	if folded, err = c.Network.Continue(folded); err != nil {
		return nil, err
	}
	p, _, err := m.w.recipe.Quantize.PTQ.Float(c.Network, folded)
	return p, err
}
