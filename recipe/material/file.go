package material

import (
	"qtool/bundle"
	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/export"
	"qtool/model"
)

// Encoder is what the client of q's program needs beside its keys; nil of images, which
// the program takes as they are.
func (m *Material) Encoder(q *model.Quantized) (*text.Encoder, error) {
	if m.Words == nil {
		return nil, nil
	}
	return export.Encoder(q, m.Words.Vocabulary, m.Recipe.Data.Text.Selection, m.Words.Logistic.Weight)
}

// Inputs are samples as an encoder makes them for a program; without one they stay.
func Inputs(e *text.Encoder, samples *datasets.Split) *datasets.Split {
	if e == nil {
		return samples
	}
	return e.Bytes(samples)
}

// File is the bundle of a quantized network, without provenance: the program, what its
// tensors have seen of a draw of training samples, golden vectors of some of these, and the
// client's part. With it comes each layer's SQNR in decibels against parameters float; see
// export.Observe.
func (m *Material) File(q *model.Quantized, p *bundle.Program, float model.Parameters, seen, golden int) (*bundle.File, []float64, error) {
	e, err := m.Encoder(q)
	if err != nil {
		return nil, nil, err
	}
	samples := m.Train.Draw(seen, m.Recipe.Seed)
	inputs := Inputs(e, samples)
	sqnr, err := export.Observe(q, float, p, samples, inputs)
	if err != nil {
		return nil, nil, err
	}
	f := &bundle.File{Program: p}
	var some []bundle.Vec
	for i := range min(golden, inputs.Len()) {
		some = append(some, p.Input.Quantize(inputs.Image(i)))
	}
	if f.Golden, err = bundle.MakeGolden(p, some); err != nil {
		return nil, nil, err
	}
	if e != nil {
		if f.Client, err = e.MarshalBinary(); err != nil {
			return nil, nil, err
		}
	}
	return f, sqnr, nil
}
