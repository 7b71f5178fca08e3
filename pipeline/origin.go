package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/encode"
	"qtool/export"
	"qtool/internal/whole"
	"qtool/model"
	"qtool/task"
	"qtool/train"
	"qtool/verify"
)

// bundleData is the dataset that a bundle was made with: its test samples as the network
// read them, and as the bundle takes them.
func (e *Env) bundleData(ctx context.Context, f *bundle.File, path string) (d *datasets.Dataset, inputs *datasets.Split, err error) {
	if pixels, ok := f.Pixels(); ok {
		if d, err = e.knownData(ctx, f.Provenance, filepath.Dir(path)); err != nil {
			return nil, nil, err
		}
		d.Encode(pixels)
		return d, d.Test, nil
	}
	client, ok := f.Encoder.(*encode.Text)
	if !ok {
		return nil, nil, fmt.Errorf("%s: there are no datasets for its encoder of %s", path, f.Encoder.Kind())
	}
	c, err := text.Load(ctx, f.Provenance.Dataset, datasets.Options{Dir: e.DataDir})
	if err != nil {
		return nil, nil, err
	}
	test := text.Samples(c.Test, client.Vocabulary, client.Selection, client.Scores)
	d = &datasets.Dataset{Name: c.Name, Shape: test.Shape, Classes: len(text.Labels), SHA256: c.SHA256, Test: test, Noun: task.Sentence}
	return d, text.Bytes(client, test), nil
}

// originAnswers answers with the checkpoints beside a bundle that it was made of.
func originAnswers(ctx context.Context, path string, f *bundle.File, samples, inputs *datasets.Split) (ladderAnswers, error) {
	float, err := origin(path, FileFloat, f.Provenance.FloatSHA256)
	if err != nil {
		return ladderAnswers{}, err
	}
	quantized, err := origin(path, FileQuantized, f.Provenance.QuantizedSHA256)
	if err != nil {
		return ladderAnswers{}, err
	}
	if quantized != nil {
		if err := sameBundle(f, quantized); err != nil {
			return ladderAnswers{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	return answer(ctx, float, quantized, f.Program, samples, inputs)
}

// origin reads a checkpoint beside the bundle if it is the one that the bundle
// was made of; nil otherwise, which is no error.
func origin(path, name, sum string) (*model.Checkpoint, error) {
	beside := filepath.Join(filepath.Dir(path), name)
	have, _, err := whole.SHA256(beside)
	if errors.Is(err, fs.ErrNotExist) || err == nil && have != sum {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return model.ReadCheckpoint(beside)
}

// sameBundle refuses a bundle that is not, byte for byte, what its checkpoint exports,
// however sound it is in itself.
func sameBundle(f *bundle.File, c *model.Checkpoint) error {
	q, err := c.Quantized()
	if err != nil {
		return err
	}
	p, err := export.Program(q, f.Program.Labels)
	if err != nil {
		return err
	}
	export.CopySeen(p, f.Program)
	want, err := (&bundle.File{Program: p, Provenance: f.Provenance, Golden: f.Golden, Encoder: f.Encoder}).Encode()
	if err != nil {
		return err
	}
	have, err := f.Encode()
	if err != nil {
		return err
	}
	if !bytes.Equal(want, have) {
		return fmt.Errorf("%w: it is not what the quantized checkpoint beside it exports", bundle.ErrAltered)
	}
	return nil
}

// answer predicts test samples with the float network, and with the quantized one from
// them as the program takes them; nil networks are left out.
func answer(ctx context.Context, float, quantized *model.Checkpoint, p *bundle.Program, samples, inputs *datasets.Split) (r ladderAnswers, err error) {
	if float != nil {
		if r.float, err = predict(ctx, float, samples); err != nil {
			return ladderAnswers{}, err
		}
	}
	if quantized != nil {
		q, err := quantized.Quantized()
		if err != nil {
			return ladderAnswers{}, err
		}
		mismatches, answers, err := export.Mismatches(ctx, q, p, inputs)
		if err != nil {
			return ladderAnswers{}, err
		}
		r.quantized.Answers, r.mismatches = answers, mismatches
		if len(p.Labels) == 2 {
			if r.quantized.Values, err = export.Scores(ctx, q, inputs); err != nil {
				return ladderAnswers{}, err
			}
		}
	}
	return r, nil
}

// predict answers samples with a float network.
func predict(ctx context.Context, c *model.Checkpoint, samples *datasets.Split) (verify.StageAnswers, error) {
	e, err := train.NewEvaluator(c.Network, c.Params, nil)
	if err != nil {
		return verify.StageAnswers{}, err
	}
	defer e.Close()
	answers, err := e.Predict(ctx, samples)
	if err != nil {
		return verify.StageAnswers{}, err
	}
	scores, err := e.Scores(ctx, samples)
	return verify.StageAnswers{Answers: answers, Values: scores}, err
}
