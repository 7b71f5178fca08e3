package bench

import (
	"context"
	"math"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/export"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/recipe"
	"qtool/recipe/material"
	"qtool/train"
	"qtool/train/op"
)

// network is what a recipe trains.
type network struct {
	*material.Material
	steps int // of a round of training, at least

	initial *model.Checkpoint
	float   model.Parameters // nil before training
	// rounded and tuned are before and after fine-tuning.
	rounded, tuned *model.Quantized
}

const (
	// Epochs are scored on held-out sentences, out of what is timed: on a few.
	scoredSamples = 100
	// seenSamples is how many training samples tell what a bundle's tensors see.
	seenSamples = 200
	// leastRound is how many seconds of training a round has, of processor time where
	// that is known, as a step may take less than a millisecond.
	leastRound = 0.8
	// mostSteps of a round, where the clock is too coarse to tell.
	mostSteps = 10000
)

func newNetwork(ctx context.Context, r *recipe.Recipe, o datasets.Options, steps int) (*network, error) {
	m, err := material.Load(ctx, r, o)
	if err != nil {
		return nil, err
	}
	n := &network{Material: m, steps: steps}
	if m.Words == nil { // rounds are of all there is, and none of it is held out
		m.Train, m.Held = m.Data.Train, nil
	} else {
		m.Held = m.Held.First(scoredSamples)
	}
	n.initial, err = m.Initial(m.Network)
	return n, err
}

// some is so many training samples, over and over where they are few.
func (n *network) some(count int) *datasets.Split {
	if count <= n.Train.Len() {
		return n.Train.First(count)
	}
	indices := make([]int, count)
	for i := range indices {
		indices[i] = i % n.Train.Len()
	}
	return n.Train.Subset(indices)
}

// fit runs a task of its whole training samples once, and returns the seconds of an
// epoch of all there are at the pace of the steps after the first.
func (n *network) fit(ctx context.Context, t train.Task) (model.Parameters, reading, error) {
	t.Config, t.Seed, t.Validation = few(t.Config), n.Recipe.Seed, n.Held
	var p pace
	t.Progress = p.step
	r, err := train.Fit(ctx, t)
	if err != nil {
		return nil, reading{}, err
	}
	seconds, err := p.epoch(n.Train.Len(), t.Train.Len(), t.Config.Batch)
	return r.Params, seconds, err
}

// round measures fit for as many steps as take leastRound; each task is told how
// many samples those are, and the first has the fewest.
func (n *network) round(ctx context.Context, batch int, fit func(samples *datasets.Split) (reading, error)) (reading, error) {
	seconds, err := fit(n.some(batch * (1 + n.steps)))
	if err != nil {
		return reading{}, err
	}
	took := seconds.wall
	if seconds.cpu > 0 {
		took = seconds.cpu
	}
	took *= float64(batch*n.steps) / float64(n.Train.Len())
	if took >= leastRound || n.Words == nil {
		return seconds, nil
	}
	steps := int(min(mostSteps, math.Ceil(float64(n.steps)*leastRound/took)))
	return fit(n.some(batch * (1 + steps)))
}

// trainFloat is a round of training.
func (n *network) trainFloat(ctx context.Context) (reading, error) {
	c := n.Recipe.Train
	return n.round(ctx, c.Batch, func(samples *datasets.Split) (reading, error) {
		params, seconds, err := n.fit(ctx, train.Task{Network: n.initial.Network, Params: n.initial.Params, Config: c, Train: samples})
		if err == nil && n.float == nil {
			n.float = params
		}
		return seconds, err
	})
}

// trainQuantized is a round of fine-tuning.
func (n *network) trainQuantized(ctx context.Context) (reading, error) {
	c := n.Recipe.Quantize
	return n.round(ctx, c.Finetune.Batch, func(samples *datasets.Split) (reading, error) {
		q, err := n.quantize(ctx)
		if err != nil {
			return reading{}, err
		}
		z, err := qat.Training(q, qat.OptionsOf(c.Config, q.Network))
		if err != nil {
			return reading{}, err
		}
		task := train.Task{Network: q.Network, Params: q.Params, Quantizer: z, Config: c.Finetune, Train: samples}
		if t := task.Config.Teacher; t != nil {
			task.Teacher = &train.Teacher{
				Network: n.initial.Network, Params: n.float, Distillation: op.Distillation{Weight: t.Weight, Temperature: t.Temperature},
			}
		}
		_, seconds, err := n.fit(ctx, task)
		if err == nil && n.tuned == nil {
			n.tuned = z.Quantized()
		}
		return seconds, err
	})
}

// quantize rounds what float training left, to nearest.
func (n *network) quantize(ctx context.Context) (*model.Quantized, error) {
	if n.float == nil {
		if _, err := n.trainFloat(ctx); err != nil {
			return nil, err
		}
	}
	c, sample := n.Recipe.Quantize.Config, n.Calibration()
	net, params, err := ptq.Approximate(ctx, n.initial.Network, n.float, sample, sample.Len())
	if err != nil {
		return nil, err
	}
	return ptq.Quantize(ctx, net, params, c, sample)
}

// export is the bundle that a few steps of training make, the same with each call, and
// test inputs.
func (n *network) export(ctx context.Context) (*bundle.File, *datasets.Split, error) {
	var err error
	q := n.rounded
	if n.Recipe.Quantize.Method == "qat" {
		if n.tuned == nil {
			_, err = n.trainQuantized(ctx)
		}
		q = n.tuned
	} else if q == nil {
		if q, err = n.quantize(ctx); err == nil {
			n.rounded = q
		}
	}
	if err != nil {
		return nil, nil, err
	}
	p, err := export.Program(q, n.Labels())
	if err != nil {
		return nil, nil, err
	}
	f, _, err := n.File(q, p, q.Params, seenSamples, 0)
	if err != nil {
		return nil, nil, err
	}
	e, err := n.Encoder(q)
	return f, material.Inputs(e, n.Data.Test), err
}
