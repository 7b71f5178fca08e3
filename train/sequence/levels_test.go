package sequence

import (
	"context"
	"encoding/json"
	"io"
	"testing"

	"qtool/datasets/text"
	"qtool/internal/samebits"
	"qtool/model/sequence"
)

// LSTMs in float, with and without gates of polynomials, on words chosen by the
// weights of a logistic regression; their softened labels; and the answers.
func TestSameBits(t *testing.T) {
	samebits.Check(t, "14af46f3773b8aac9140278f8d2a878d33400aff349be149de6100fffde18c15", func(w io.Writer) {
		s := text.Selection{Kind: "chunk", Steps: 3, Words: 2}
		training, dev, words := reviews(t, s)
		masked := lstm(3)
		masked.Mask = true
		for _, n := range []*sequence.Network{
			lstm(3), masked,
			{Cell: sequence.LSTM, Embedding: 6, Inputs: 5, Hidden: 4, Steps: 3, Gates: &sequence.Gates{Degree: 3, Radius: 2, Penalty: 10, Inside: 0.5}},
		} {
			k := task(t, n, words, training[:500], dev)
			k.Average = 0.9
			r, err := Fit(context.Background(), k)
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Params {
				samebits.Write(w, p.Data)
			}
			if err := json.NewEncoder(w).Encode(r.History); err != nil {
				t.Fatal(err)
			}
			e, err := NewEvaluator(n, r.Params, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			z, err := e.Logits(context.Background(), dev)
			if err != nil {
				t.Fatal(err)
			}
			samebits.Write(w, z, Soften(z, dev, 0.5, 2))
		}
	})
}
