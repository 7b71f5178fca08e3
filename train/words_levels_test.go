package train

import (
	"context"
	"encoding/json"
	"io"
	"testing"

	"qtool/encode"
	"qtool/internal/samebits"
	"qtool/model"
)

// LSTMs in float, with and without gates of polynomials, on words chosen by the
// weights of a logistic regression; their softened labels; and the answers.
func TestSameBitsOfWords(t *testing.T) {
	samebits.Check(t, "14af46f3773b8aac9140278f8d2a878d33400aff349be149de6100fffde18c15", func(w io.Writer) {
		training, dev, words := reviews(t, encode.Selection{Kind: "chunk", Steps: 3, Words: 2})
		masked := reader(words, 3, 12, 8, 12)
		masked.Layers[2].Mask = true
		for _, n := range []*model.Network{reader(words, 3, 12, 8, 12), masked, polynomialReader(words)} {
			k := wordTask(t, n, training.First(500), dev)
			k.Config.Average = 0.9
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
			samebits.Write(w, z, soften(z, dev.Labels, 0.5, 2))
		}
	})
}
