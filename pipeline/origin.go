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
	"qtool/internal/whole"
	train "qtool/train/sequence"
)

// bundleData is the dataset that a bundle was made with, its test samples as the bundle
// takes them, and the family of its networks.
func (e *Env) bundleData(ctx context.Context, f *bundle.File, path string) (*datasets.Dataset, family, error) {
	if pixels, ok := f.Pixels(); ok {
		d, err := e.knownData(ctx, f.Provenance, filepath.Dir(path))
		if err == nil {
			d.Encode(pixels)
		}
		return d, imageFamily{}, err
	}
	client, ok := f.Encoder.(*encode.Text)
	if !ok {
		return nil, nil, fmt.Errorf("%s: there are no datasets for its encoder of %s", path, f.Encoder.Kind())
	}
	c, err := text.Load(ctx, f.Provenance.Dataset, datasets.Options{Dir: e.DataDir})
	if err != nil {
		return nil, nil, err
	}
	return corpusData(c, client), sentenceFamily{func(n int) []train.Sample {
		return train.Samples(c.Test[:n], client.Vocabulary, client.Selection, client.Scores)
	}}, nil
}

// originRungs answers with the checkpoints beside a bundle that it was made of.
func originRungs(ctx context.Context, k family, path string, f *bundle.File, test *datasets.Split) (rungs, error) {
	float, err := origin(k, path, FileFloat, f.Provenance.FloatSHA256)
	if err != nil {
		return rungs{}, err
	}
	quantized, err := origin(k, path, FileQuantized, f.Provenance.QuantizedSHA256)
	if err != nil {
		return rungs{}, err
	}
	if quantized != nil {
		if err := sameBundle(k, f, quantized); err != nil {
			return rungs{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	return answer(ctx, k, float, quantized, f.Program, test)
}

// origin reads a checkpoint beside the bundle if it is the one that the bundle
// was made of; nil otherwise, which is no error.
func origin(k family, path, name, sum string) (Checkpoint, error) {
	beside := filepath.Join(filepath.Dir(path), name)
	have, _, err := whole.SHA256(beside)
	if errors.Is(err, fs.ErrNotExist) || err == nil && have != sum {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return k.read(beside)
}

// sameBundle refuses a bundle that is not, byte for byte, what its checkpoint exports,
// however sound it is in itself.
func sameBundle(k family, f *bundle.File, c Checkpoint) error {
	exported, err := k.exported(c, f)
	if err != nil {
		return err
	}
	want, err := exported.Encode()
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

// answer predicts a test split with the float and the quantized network; nil ones are
// left out.
func answer(ctx context.Context, k family, float, quantized Checkpoint, p *bundle.Program, test *datasets.Split) (r rungs, err error) {
	if float != nil {
		if r.float, err = k.predict(ctx, float, test); err != nil {
			return rungs{}, err
		}
	}
	if quantized != nil {
		if r.quantized, r.drifts, err = k.quantizedAnswers(ctx, quantized, p, test); err != nil {
			return rungs{}, err
		}
	}
	return r, nil
}
