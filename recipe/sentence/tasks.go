package sentence

import (
	"context"

	"qtool/model"
	"qtool/model/sequence"
	qat "qtool/qat/sequence"
	train "qtool/train/sequence"
)

// Training is the task of float training on samples; dev chooses the epoch.
func (m *Material) Training(n *sequence.Network, p model.Parameters, samples, dev []train.Sample) train.Task {
	r := m.Recipe.Sentence
	return train.Task{
		Network: n, Params: p, Config: m.Recipe.Train, Train: samples, Dev: dev, Seed: m.Recipe.Seed,
		Dropout: r.Dropout, WordDropout: r.WordDropout, Average: r.Average, WordRate: r.WordRate,
	}
}

// Quantizer quantizes a float network; the input's scale is chosen from a draw of
// training sentences.
func (m *Material) Quantizer(ctx context.Context, n *sequence.Network, p model.Parameters) (*qat.Quantizer, error) {
	q, r := &m.Recipe.Quantize, m.Recipe.Sentence
	return qat.Start(ctx, n, p, qat.Config{
		WeightBits: q.Weights.Bits, InputBits: q.Input.Bits, StateBits: q.Activations.Bits, WeightKind: q.Weights.Kind,
		AccumulatorBits: q.Accumulator.Bits, CellRange: r.CellRange, Fraction: r.Fraction,
	}, m.Samples(m.draw(q.Images)))
}

// FineTuning is the task of training the float network on through a quantizer. With
// a teacher, the float network answers all samples first.
func (m *Material) FineTuning(ctx context.Context, n *sequence.Network, p model.Parameters, z train.Quantizer, samples, dev []train.Sample) (train.Task, error) {
	task := m.Training(n, p, samples, dev)
	task.Quantizer, task.Config, task.KeepWords = z, m.Recipe.Quantize.Finetune, m.Recipe.Sentence.KeepWords
	t := task.Config.Teacher
	if t == nil {
		return task, nil
	}
	// A teacher has answered the whole sentence, so nothing is left out of it.
	task.Dropout, task.WordDropout = 0, 0
	e, err := train.NewEvaluator(n, p, nil)
	if err != nil {
		return train.Task{}, err
	}
	defer e.Close()
	logits, err := e.Logits(ctx, samples)
	if err != nil {
		return train.Task{}, err
	}
	task.Teacher = train.Soften(logits, samples, t.Weight, t.Temperature)
	return task, nil
}
