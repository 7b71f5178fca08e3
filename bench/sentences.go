package bench

import (
	"context"
	"math"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/model"
	"qtool/model/sequence"
	"qtool/recipe"
	"qtool/recipe/sentence"
	train "qtool/train/sequence"
)

// sentences is a network that reads sentences.
type sentences struct {
	material   *sentence.Material
	steps      int // of a round of training, at least
	train, dev []train.Sample

	network *sequence.Network
	initial model.Parameters
	float   model.Parameters // nil before training
	tuned   *sequence.Quantized
}

const (
	// Epochs are scored on dev samples, out of what is timed: on a few.
	scoredSamples = 100
	// seenSentences is how many training sentences tell what a bundle's tensors see.
	seenSentences = 200
	// leastRound is how many seconds of training a round has, of processor time where
	// that is known, as a step may take less than a millisecond.
	leastRound = 0.8
	// mostSteps of a round, where the clock is too coarse to tell.
	mostSteps = 10000
)

func newSentences(ctx context.Context, r *recipe.Recipe, o datasets.Options, steps int) (network, error) {
	m, err := sentence.Load(ctx, r, o)
	if err != nil {
		return nil, err
	}
	s := &sentences{material: m, steps: steps, train: m.Samples(m.Corpus.Train)}
	s.dev = m.Samples(m.Corpus.Dev[:min(scoredSamples, len(m.Corpus.Dev))])
	s.network, s.initial, err = m.Initial()
	return s, err
}

func (s *sentences) example() string { return "sentence" }

// some is so many training samples, over and over where they are few.
func (s *sentences) some(n int) []train.Sample {
	var all []train.Sample
	for len(all) < n {
		all = append(all, s.train[:min(len(s.train), n-len(all))]...)
	}
	return all
}

// fit runs a task of its whole training samples once, and returns the seconds of an
// epoch of all there are at the pace of the steps after the first.
func (s *sentences) fit(ctx context.Context, t train.Task) (model.Parameters, reading, error) {
	t.Config = few(t.Config)
	var p pace
	t.Progress = p.step
	r, err := train.Fit(ctx, t)
	if err != nil {
		return nil, reading{}, err
	}
	seconds, err := p.epoch(len(s.train), len(t.Train), t.Config.Batch)
	return r.Params, seconds, err
}

// round measures fit for as many steps as take leastRound; each task is told how
// many samples those are, and the first has the fewest.
func (s *sentences) round(ctx context.Context, batch int, fit func(samples []train.Sample) (reading, error)) (reading, error) {
	seconds, err := fit(s.some(batch * (1 + s.steps)))
	if err != nil {
		return reading{}, err
	}
	took := seconds.wall
	if seconds.cpu > 0 {
		took = seconds.cpu
	}
	took *= float64(batch*s.steps) / float64(len(s.train))
	if took >= leastRound {
		return seconds, nil
	}
	steps := int(min(mostSteps, math.Ceil(float64(s.steps)*leastRound/took)))
	return fit(s.some(batch * (1 + steps)))
}

// trainFloat implements network.
func (s *sentences) trainFloat(ctx context.Context) (reading, error) {
	return s.round(ctx, s.material.Recipe.Train.Batch, func(samples []train.Sample) (reading, error) {
		params, seconds, err := s.fit(ctx, s.material.Training(s.network, s.initial, samples, s.dev))
		if err == nil && s.float == nil {
			s.float = params
		}
		return seconds, err
	})
}

// trainQuantized implements network.
func (s *sentences) trainQuantized(ctx context.Context) (reading, error) {
	if err := s.begin(ctx); err != nil {
		return reading{}, err
	}
	return s.round(ctx, s.material.Recipe.Quantize.Finetune.Batch, func(samples []train.Sample) (reading, error) {
		z, err := s.material.Quantizer(ctx, s.network, s.float)
		if err != nil {
			return reading{}, err
		}
		task, err := s.material.FineTuning(ctx, s.network, s.float, z, samples, s.dev)
		if err != nil {
			return reading{}, err
		}
		_, seconds, err := s.fit(ctx, task)
		if err == nil && s.tuned == nil {
			s.tuned = z.Quantized()
		}
		return seconds, err
	})
}

// begin trains the float network, if that was not yet done.
func (s *sentences) begin(ctx context.Context) error {
	if s.float != nil {
		return nil
	}
	_, err := s.trainFloat(ctx)
	return err
}

// export implements network.
func (s *sentences) export(ctx context.Context) (*bundle.File, *datasets.Split, error) {
	q := s.tuned
	if q == nil && s.material.Recipe.Quantize.Method == "qat" {
		if _, err := s.trainQuantized(ctx); err != nil {
			return nil, nil, err
		}
		q = s.tuned
	}
	if q == nil {
		if err := s.begin(ctx); err != nil {
			return nil, nil, err
		}
		z, err := s.material.Quantizer(ctx, s.network, s.float)
		if err != nil {
			return nil, nil, err
		}
		q = z.Quantized()
	}
	f, e, err := s.material.File(q, seenSentences, 0)
	if err != nil {
		return nil, nil, err
	}
	return f, text.Split(e, s.material.Corpus.Test), nil
}
