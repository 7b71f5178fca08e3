package main

import (
	"context"
	"fmt"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/datasets/text"
	sentence "qtool/export/sequence"
	"qtool/model/sequence"
	qat "qtool/qat/sequence"
	train "qtool/train/sequence"
	"qtool/verify"
)

// runSentences is qtool run of a recipe that reads sentences.
func runSentences(ctx context.Context, w *workspace, insecure bool) error {
	s := &sentences{workspace: w}
	if err := s.open(ctx); err != nil {
		return err
	}
	float, err := s.trainFloat(ctx)
	if err != nil {
		return err
	}
	if w.recipe.Quantize.Method == "none" {
		return s.reportFloat(ctx, float)
	}
	quantized, err := s.quantize(ctx, float)
	if err != nil {
		return err
	}
	f, err := s.export(quantized)
	if err != nil {
		return err
	}
	task, err := w.verification(ctx, f, s.data.Test, insecure)
	if err != nil {
		return err
	}
	if task.rungs, err = answerSentences(ctx, float, s.Samples(s.Corpus.Test[:task.test.Len()]), quantized, f.Program, task.test); err != nil {
		return err
	}
	return w.verifyRun(ctx, task)
}

// reportFloat is the end of a run whose recipe quantizes nothing.
func (s *sentences) reportFloat(ctx context.Context, float *sequence.Checkpoint) error {
	s.data.Test = &datasets.Split{}
	for _, sentence := range s.Corpus.Test {
		s.data.Test.Labels = append(s.data.Test.Labels, sentence.Label)
	}
	r, err := answerSentences(ctx, float, s.Samples(s.Corpus.Test), nil, nil, nil)
	if err != nil {
		return err
	}
	return s.publishFloat(ctx, r, s.data.Test.Labels)
}

// answerSentences predicts test sentences with the float network, and their
// encoded form with the quantized one, where there are such.
func answerSentences(ctx context.Context, float *sequence.Checkpoint, samples []train.Sample, quantized *sequence.Checkpoint, p *bundle.Program, encoded *datasets.Split) (r rungs, err error) {
	if float != nil {
		e, err := train.NewEvaluator(float.Network, float.Params, nil)
		if err != nil {
			return rungs{}, err
		}
		defer e.Close()
		logits, err := e.Logits(ctx, samples)
		if err != nil {
			return rungs{}, err
		}
		r.float = signs(logits)
	}
	if quantized == nil {
		return r, nil
	}
	q, err := quantized.Quantized()
	if err != nil {
		return rungs{}, err
	}
	z, err := qat.New(q)
	if err != nil {
		return rungs{}, err
	}
	e, err := train.NewServer(q.Network, q.Params, z)
	if err != nil {
		return rungs{}, err
	}
	defer e.Close()
	answers, err := e.Encoded(ctx, encoded, 1<<(q.Quantizers.Input.Bits-1))
	if err != nil {
		return rungs{}, err
	}
	r.quantized = signs(answers.Logits)
	if q.Quantizers.Family != sequence.PolynomialFamily {
		r.drifts, err = sentence.Drift(q, p, encoded, answers)
	}
	return r, err
}

// signs are the labels that logits say.
func signs(logits []float32) verify.Predictions {
	labels := make(verify.Predictions, len(logits))
	for i, z := range logits {
		if z > 0 {
			labels[i] = 1
		}
	}
	return labels
}

// sentenceRungs answers with the checkpoints beside a bundle that it was made of.
func (a *app) sentenceRungs(ctx context.Context, path string, f *bundle.File, sentences []text.Sentence, test *datasets.Split) (rungs, error) {
	client, err := encoder(f)
	if err != nil {
		return rungs{}, err
	}
	float, err := origin(path, fileFloat, f.Provenance.FloatSHA256, sequence.ReadCheckpoint)
	if err != nil {
		return rungs{}, err
	}
	quantized, err := origin(path, fileQuantized, f.Provenance.QuantizedSHA256, sequence.ReadCheckpoint)
	if err != nil {
		return rungs{}, err
	}
	if quantized != nil {
		if err := sameSentenceProgram(f, quantized); err != nil {
			return rungs{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	samples := train.Samples(sentences[:test.Len()], client.Vocabulary, client.Selection, client.Scores)
	return answerSentences(ctx, float, samples, quantized, f.Program, test)
}

// sameSentenceProgram refuses a bundle that is not what its checkpoint exports.
func sameSentenceProgram(f *bundle.File, c *sequence.Checkpoint) error {
	q, err := c.Quantized()
	if err != nil {
		return err
	}
	p, err := sentence.Program(q, f.Program.Labels)
	if err != nil {
		return err
	}
	sentence.CopySeen(p, f.Program)
	return sameBundle(&bundle.File{Program: p, Provenance: f.Provenance, Golden: f.Golden, Client: f.Client}, f)
}
