package text

import (
	"context"
	"fmt"
	"io"
	"testing"

	"qtool/datasets"
	"qtool/internal/samebits"
)

// The generated corpus, and the logistic regression on it.
func TestSameBits(t *testing.T) {
	samebits.Check(t, "696f04e227268197f37bf91ef7265df00334d5c2305f5330a95578759cef4d3b", func(w io.Writer) {
		c, err := Load(context.Background(), "sentences", datasets.Options{})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(w, c.Train, c.Dev)
		v := NewVocabulary(c.Train, nil, 1)
		l := FitLogistic(v, c.Train, 1)
		samebits.Write(w, l.Weight, l.Bias, l.Accuracy(v, c.Dev))
	})
}
