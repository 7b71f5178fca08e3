package bench

import (
	"context"
	"strconv"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/export"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/recipe"
	"qtool/train"
	"qtool/train/op"
)

// images is a network that reads images.
type images struct {
	recipe *recipe.Recipe
	data   *datasets.Dataset
	steps  int // of a round of training

	network *model.Network
	initial model.Parameters
	float   *train.Result
	// quantized and tuned are before and after fine-tuning.
	quantized, tuned *model.Quantized
}

func newImages(ctx context.Context, r *recipe.Recipe, o datasets.Options, steps int) (network, error) {
	d, err := datasets.Load(ctx, r.Data.Name, o)
	if err != nil {
		return nil, err
	}
	pixels, err := r.Pixels()
	if err != nil {
		return nil, err
	}
	d.Encode(pixels)
	m := &images{recipe: r, data: d, steps: steps}
	if m.network, err = r.Build(); err != nil {
		return nil, err
	}
	m.initial, err = m.network.Initialise(r.Seed)
	return m, err
}

func (m *images) example() string { return "image" }

// fit trains for one step to warm up and m.steps more, and returns the seconds of
// an epoch of the whole training set at the pace of those.
func (m *images) fit(ctx context.Context, t train.Task) (*train.Result, reading, error) {
	n := min(t.Config.Batch*(1+m.steps), m.data.Train.Len())
	t.Train, t.Seed, t.Config = m.data.Train.First(n), m.recipe.Seed, few(t.Config)
	var p pace
	t.Progress = p.step
	r, err := train.Fit(ctx, t)
	if err != nil {
		return nil, reading{}, err
	}
	seconds, err := p.epoch(m.data.Train.Len(), n, t.Config.Batch)
	return r, seconds, err
}

// trainFloat implements network.
func (m *images) trainFloat(ctx context.Context) (reading, error) {
	r, seconds, err := m.fit(ctx, train.Task{Network: m.network, Params: m.initial, Config: m.recipe.Train})
	if err == nil && m.float == nil {
		m.float = r
	}
	return seconds, err
}

// trainQuantized implements network.
func (m *images) trainQuantized(ctx context.Context) (reading, error) {
	if err := m.quantize(ctx); err != nil {
		return reading{}, err
	}
	z, err := qat.Training(m.quantized, qat.OptionsOf(m.recipe.Quantize.Config, m.quantized.Network))
	if err != nil {
		return reading{}, err
	}
	task := train.Task{Network: m.quantized.Network, Params: m.quantized.Params, Quantizer: z, Config: m.recipe.Quantize.Finetune}
	if t := task.Config.Teacher; t != nil {
		task.Teacher = &train.Teacher{
			Network: m.network, Params: m.float.Params, Distillation: op.Distillation{Weight: t.Weight, Temperature: t.Temperature},
		}
	}
	_, seconds, err := m.fit(ctx, task)
	if err == nil && m.tuned == nil {
		m.tuned = z.Quantized()
	}
	return seconds, err
}

// quantize rounds what float training left, to nearest.
func (m *images) quantize(ctx context.Context) error {
	if m.quantized != nil {
		return nil
	}
	if m.float == nil {
		if _, err := m.trainFloat(ctx); err != nil {
			return err
		}
	}
	c := m.recipe.Quantize
	sample := m.data.Train.Draw(c.Images, m.recipe.Seed)
	n, params, err := ptq.Approximate(ctx, m.network, m.float.Params, sample, sample.Len())
	if err != nil {
		return err
	}
	r, err := ptq.Run(ctx, ptq.Task{Network: n, Params: params, Config: c.Config, Images: sample})
	if err != nil {
		return err
	}
	m.quantized = r.Quantized
	return nil
}

// export implements network.
func (m *images) export(ctx context.Context) (*bundle.File, *datasets.Split, error) {
	err := m.quantize(ctx)
	q := m.quantized
	if err == nil && m.recipe.Quantize.Method == "qat" {
		if m.tuned == nil {
			_, err = m.trainQuantized(ctx)
		}
		q = m.tuned
	}
	if err != nil {
		return nil, nil, err
	}
	labels := make([]string, m.data.Classes)
	for i := range labels {
		labels[i] = strconv.Itoa(i)
	}
	p, err := export.Program(q, labels)
	if err != nil {
		return nil, nil, err
	}
	f := &bundle.File{Program: p, Encoder: m.data.Test.Encoder}
	f.Golden, err = bundle.MakeGolden(p, nil)
	return f, m.data.Test, err
}
