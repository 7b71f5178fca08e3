package sentence

import (
	"qtool/bundle"
	"qtool/datasets/text"
	export "qtool/export/sequence"
	"qtool/model/sequence"
)

// File is the bundle of a quantized network, without provenance: the program, what
// its tensors have seen of a draw of training sentences, golden vectors of some
// of these, and the client's part, which is returned too.
func (m *Material) File(q *sequence.Quantized, seen, golden int) (*bundle.File, *text.Encoder, error) {
	e, err := export.Encoder(q, m.Vocabulary, m.Recipe.Sentence.Selection, m.Logistic.Weight)
	if err != nil {
		return nil, nil, err
	}
	p, err := export.Program(q, text.Labels)
	if err != nil {
		return nil, nil, err
	}
	first := text.Split(e, m.draw(seen))
	if err := export.Observe(p, first); err != nil {
		return nil, nil, err
	}
	f := &bundle.File{Program: p, Encoder: e}
	var inputs []bundle.Vec
	for i := range min(golden, first.Len()) {
		inputs = append(inputs, p.Input.Sample(first.Tensor(i)).Vec())
	}
	if f.Golden, err = bundle.MakeGolden(p, inputs); err != nil {
		return nil, nil, err
	}
	return f, e, nil
}
