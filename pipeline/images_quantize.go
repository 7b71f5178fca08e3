package pipeline

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"qtool/bundle"
	"qtool/calibrate"
	"qtool/datasets"
	"qtool/export"
	"qtool/internal/hint"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
	"qtool/verify"
	"qtool/verify/integer"
)

// roundedImages is a network of images that was quantized without training.
type roundedImages struct {
	m         *Images
	quantized *model.Quantized
	tuned     interface{ Quantized() *model.Quantized } // nil before fine-tuning
}

// round implements kind.
func (m *Images) round(ctx context.Context, float Checkpoint) (rounded, error) {
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
	return &roundedImages{m: m, quantized: result.Quantized}, nil
}

// finetuning implements rounded.
func (r *roundedImages) finetuning(ctx context.Context) (*training, error) {
	q, c := r.quantized, r.m.w.recipe.Quantize
	options := qat.OptionsOf(c.Config, q.Network)
	if c.Finetune.StartQuantization > 0 {
		options.Calibrate = func(p model.Parameters) (*model.Quantized, error) {
			return ptq.Quantize(ctx, q.Network, p, c.Config, r.m.calibration())
		}
	}
	z, err := qat.Training(q, options)
	if err != nil {
		return nil, err
	}
	r.tuned = z
	return r.m.task("qat", train.Task{Network: q.Network, Params: q.Params, Quantizer: z, Config: c.Finetune})
}

// log implements rounded: how the polynomials' inputs lie to their intervals, if there
// are any.
func (r *roundedImages) log(ctx context.Context) (*TrainingLog, error) {
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

// checkpoint implements rounded.
func (r *roundedImages) checkpoint() Checkpoint {
	q := r.quantized
	if r.tuned != nil {
		q = r.tuned.Quantized()
	}
	return imageCheckpoint{&model.Checkpoint{
		Network: q.Network, Params: q.Params,
		Quantizers: &model.Quantizers{Input: q.Input, Weights: q.Weights, Activations: q.Activations},
	}}
}

// Approximate is the float network with polynomials in the place of the functions
// whose interval the recipe leaves to be measured.
func (m *Images) Approximate(ctx context.Context, float Checkpoint) (*model.Network, model.Parameters, error) {
	return ptq.Approximate(ctx, m.network, float.(imageCheckpoint).Params, m.calibration(), m.w.recipe.Quantize.Images)
}

// RoundOff quantizes without training.
func (m *Images) RoundOff(ctx context.Context, n *model.Network, p model.Parameters, c calibrate.Config, o ptq.Options, progress func(done, total int)) (*ptq.Result, error) {
	return ptq.Run(ctx, ptq.Task{Network: n, Params: p, Config: c, Options: o, Images: m.calibration(), Progress: progress})
}

// HeldAnswers are the float network's answers to the held-out images, and how many of
// them are right.
func (m *Images) HeldAnswers(ctx context.Context, float Checkpoint) (verify.Predictions, float64, error) {
	answers, err := m.predict(ctx, float, m.val)
	if err != nil {
		return nil, 0, err
	}
	ladder := verify.Ladder{Labels: m.val.Labels, Float: answers.Answers}
	scored, err := ladder.Compare()
	if err != nil {
		return nil, 0, err
	}
	return answers.Answers, *scored.Accuracy.Float, nil
}

// Score runs an integer program on the held-out images and compares it with the float
// network's answers to them.
func (m *Images) Score(ctx context.Context, p *bundle.Program, float verify.Predictions) (*verify.Comparison, error) {
	e, err := integer.New(p)
	if err != nil {
		return nil, err
	}
	r, err := e.Run(ctx, p.Input.Pictures(m.val.Encoder, samplesOf(m.val)), nil)
	if err != nil {
		return nil, err
	}
	logits, err := exact(r, e.Backend().Name)
	if err != nil {
		return nil, err
	}
	ladder := verify.Ladder{Output: p.Output(), Labels: m.val.Labels, Float: float, Integer: logits}
	return ladder.Compare()
}

// samplesOf are the samples of a split, one by one.
func samplesOf(s *datasets.Split) [][]uint8 {
	all := make([][]uint8, s.Len())
	for i := range all {
		all[i] = s.Image(i)
	}
	return all
}

// Program is the integer program of a quantized network. Where the numbers get too wide,
// the error wraps export.ErrTooWide and carries advice.
func (m *Images) Program(q *model.Quantized) (*bundle.Program, error) {
	labels := make([]string, m.w.data.Classes)
	for i := range labels {
		labels[i] = strconv.Itoa(i)
	}
	p, err := export.Program(q, labels)
	if errors.Is(err, export.ErrTooWide) {
		return nil, hint.With(err, m.NarrowHint())
	}
	return p, err
}

// file implements kind.
func (m *Images) file(c Checkpoint) (*bundle.File, []float64, error) {
	q, err := c.(imageCheckpoint).Quantized()
	if err != nil {
		return nil, nil, err
	}
	p, err := m.Program(q)
	if err != nil {
		return nil, nil, err
	}
	images := m.train.Draw(observedSamples, m.w.recipe.Seed)
	reference, err := m.reference(c.(imageCheckpoint))
	if err != nil {
		return nil, nil, err
	}
	sqnr, err := export.Observe(q, reference, p, images)
	if err != nil {
		return nil, nil, err
	}
	f := &bundle.File{Program: p, Encoder: images.Encoder}
	var inputs []bundle.Vec
	for i := range min(goldenSamples, images.Len()) {
		inputs = append(inputs, p.Input.Sample(images.Tensor(i)).Vec())
	}
	f.Golden, err = bundle.MakeGolden(p, inputs)
	return f, sqnr, err
}

// reference is the float network that a quantized checkpoint's layers are held
// against: its own master weights, where they were trained; where they were
// rounded, the float network's, on the checkpoint's polynomials.
func (m *Images) reference(c imageCheckpoint) (model.Parameters, error) {
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

// NarrowHint says what helps against a network too wide to export.
func (m *Images) NarrowHint() string {
	if slices.ContainsFunc(m.network.Layers, model.Layer.Tabled) {
		return "quantize.accumulator.shift leaves low bits out of a table's index, quantize.accumulator.bits bounds its range"
	}
	return smallerHint
}
