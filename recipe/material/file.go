package material

import (
	"qtool/bundle"
	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/encode"
	"qtool/export"
	"qtool/model"
)

// Encoder is what the client of q's program does in the clear.
func (m *Material) Encoder(q *model.Quantized) (encode.Encoder, error) {
	if m.Words == nil {
		return m.Train.Encoder, nil
	}
	return export.Encoder(q, m.Words.Vocabulary, m.Recipe.Data.Text.Selection, m.Words.Logistic.Weight)
}

// Inputs are samples as an encoder makes them for a program: of sentences their bytes.
// Images stay, with what encodes them.
func Inputs(e encode.Encoder, samples *datasets.Split) *datasets.Split {
	if words, ok := e.(*encode.Text); ok {
		return text.Bytes(words, samples)
	}
	return samples
}

// Inputs are samples as inputs of q's program.
func (m *Material) Inputs(q *model.Quantized, samples *datasets.Split) (*datasets.Split, error) {
	e, err := m.Encoder(q)
	if err != nil {
		return nil, err
	}
	return Inputs(e, samples), nil
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
	f := &bundle.File{Program: p, Encoder: e}
	var some []bundle.Vec
	for i := range min(golden, inputs.Len()) {
		some = append(some, p.Input.Sample(inputs.Tensor(i)).Vec())
	}
	f.Golden, err = bundle.MakeGolden(p, some)
	return f, sqnr, err
}
