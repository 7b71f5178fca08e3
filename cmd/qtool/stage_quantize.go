package main

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"qtool/bundle"
	"qtool/calibrate"
	"qtool/datasets"
	"qtool/export"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
)

// observedImages is how many training images fill in a bundle's seen ranges,
// and goldenImages how many of them become golden vectors.
const (
	observedImages = 200
	goldenImages   = 4
)

// quantize makes the quantized checkpoint, or returns what a resumed run had
// finished of it.
func (w *workspace) quantize(ctx context.Context, float *model.Checkpoint) (*model.Checkpoint, error) {
	method := w.recipe.Quantize.Method
	if c, err := w.finished(fileQuantized, method); c != nil || err != nil {
		return c, err
	}
	if !w.resume {
		delete(w.training, "qat") // of an earlier quantization
		delete(w.training, "ptq")
	}
	n, params, err := w.approximate(ctx, float)
	if err != nil {
		return nil, err
	}
	bar := newPatientBar(w.progress(), "quantize")
	result, err := w.roundOff(ctx, n, params, w.recipe.Quantize.Config, w.recipe.Quantize.PTQ, bar.set)
	bar.end(err)
	if err != nil {
		return nil, err
	}
	for _, n := range result.Notes {
		w.note(n)
	}
	q := result.Quantized
	if method == "qat" {
		config, finetune := w.recipe.Quantize.Config, w.recipe.Quantize.Finetune
		options := qat.OptionsOf(config, q.Network)
		if finetune.StartQuantization > 0 {
			options.Calibrate = func(p model.Parameters) (*model.Quantized, error) {
				return ptq.Quantize(ctx, q.Network, p, config, w.train)
			}
		}
		z, err := qat.Training(q, options)
		if err != nil {
			return nil, err
		}
		task := train.Task{Network: q.Network, Params: q.Params, Quantizer: z, Config: finetune}
		if _, err := w.fit(ctx, "qat", task); err != nil {
			return nil, err
		}
		q = z.Quantized()
	} else if err := w.logPTQ(ctx, q); err != nil {
		return nil, err
	}
	c := &model.Checkpoint{Network: q.Network, Params: q.Params, Quantizers: &model.Quantizers{Input: q.Input, Weights: q.Weights, Activations: q.Activations}}
	if c.Provenance, err = w.provenance(method); err != nil {
		return nil, err
	}
	return c, w.complete(c, fileQuantized, "qat")
}

// approximate is the float network with polynomials in the place of the functions
// whose interval the recipe leaves to be measured.
func (w *workspace) approximate(ctx context.Context, float *model.Checkpoint) (*model.Network, model.Parameters, error) {
	return ptq.Approximate(ctx, w.network, float.Params, w.train, w.recipe.Quantize.Images)
}

// roundOff quantizes without training.
func (w *workspace) roundOff(ctx context.Context, n *model.Network, p model.Parameters, c calibrate.Config, o ptq.Options, progress func(done, total int)) (*ptq.Result, error) {
	return ptq.Run(ctx, ptq.Task{Network: n, Params: p, Config: c, Options: o, Images: w.train, Progress: progress})
}

// logPTQ notes how the polynomials' inputs lie to their intervals, if there are
// any.
func (w *workspace) logPTQ(ctx context.Context, q *model.Quantized) error {
	z, err := qat.New(q)
	if err != nil {
		return err
	}
	var log trainingLog
	if err := w.lookOutside(ctx, &log, q.Network, q.Params, z); err != nil || log.Outside == nil {
		return err
	}
	return w.logTraining("ptq", log)
}

// reference is the float network that a quantized checkpoint's layers are held
// against: its own master weights, where they were trained; where they were
// rounded, the float network's, on the checkpoint's polynomials.
func (w *workspace) reference(c *model.Checkpoint) (model.Parameters, error) {
	if c.Provenance.Stage != "ptq" {
		return c.Params, nil
	}
	float, err := model.ReadCheckpoint(w.path(fileFloat))
	if err != nil {
		return nil, err
	}
	_, folded := ptq.Fold(float.Network, float.Params)
	if folded, err = c.Network.Continue(folded); err != nil {
		return nil, err
	}
	p, _, err := w.recipe.Quantize.PTQ.Float(c.Network, folded)
	return p, err
}

// export writes the bundle of a quantized checkpoint and returns it with each
// layer's SQNR.
func (w *workspace) export(c *model.Checkpoint) (*bundle.File, []float64, error) {
	q, err := c.Quantized()
	if err != nil {
		return nil, nil, err
	}
	p, err := export.Program(q, classLabels(w.data.Classes))
	if errors.Is(err, export.ErrTooWide) {
		return nil, nil, hinted{err, w.narrowHint()}
	}
	if err != nil {
		return nil, nil, err
	}
	images := w.train.First(min(observedImages, w.train.Len()))
	reference, err := w.reference(c)
	if err != nil {
		return nil, nil, err
	}
	sqnr, err := export.Observe(q, reference, p, images)
	if err != nil {
		return nil, nil, err
	}
	f := &bundle.File{Program: p}
	var inputs []bundle.Vec
	for i := range min(goldenImages, images.Len()) {
		inputs = append(inputs, p.Input.Quantize(images.Image(i)))
	}
	if f.Golden, err = bundle.MakeGolden(p, inputs); err != nil {
		return nil, nil, err
	}
	prov := c.Provenance
	f.Provenance = bundle.Provenance{
		Recipe: prov.Recipe, RecipeSHA256: prov.RecipeSHA256, Dataset: prov.Dataset, DatasetSHA256: prov.DatasetSHA256,
		Seed: prov.Seed, Versions: trainingVersions(),
	}
	if f.Provenance.FloatSHA256, _, err = fileSHA256(w.path(fileFloat)); err != nil {
		return nil, nil, err
	}
	if f.Provenance.QuantizedSHA256, _, err = fileSHA256(w.path(fileQuantized)); err != nil {
		return nil, nil, err
	}
	return f, sqnr, f.WriteFile(w.path(fileBundle))
}

// narrowHint says what helps against a network too wide to export.
func (w *workspace) narrowHint() string {
	if slices.ContainsFunc(w.network.Layers, model.Layer.Tabled) {
		return "quantize.accumulator.shift leaves low bits out of a table's index, quantize.accumulator.bits bounds its range"
	}
	return smallerHint
}

// classLabels names the classes 0..n-1.
func classLabels(n int) []string {
	labels := make([]string, n)
	for i := range labels {
		labels[i] = strconv.Itoa(i)
	}
	return labels
}

// predict answers a split with a checkpoint's float network.
func predict(ctx context.Context, c *model.Checkpoint, test *datasets.Split) ([]int, error) {
	e, err := train.NewEvaluator(c.Network, c.Params, nil)
	if err != nil {
		return nil, err
	}
	defer e.Close()
	return e.Predict(ctx, test)
}
