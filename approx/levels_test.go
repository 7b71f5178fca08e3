package approx

import (
	"encoding/json"
	"io"
	"testing"

	"qtool/internal/samebits"
)

// Fits of every function by every method, and to histograms; also the errors, as
// what is undetermined must be so everywhere.
func TestSameBits(t *testing.T) {
	samebits.Check(t, "c38b6ce827e5136aed30e1bef9c2f6d830fdd9f3daec9dae85381169b915a0be", func(w io.Writer) {
		write := func(p *Polynomial, err error) {
			if e := json.NewEncoder(w).Encode([]any{p, err == nil}); e != nil {
				t.Fatal(e)
			}
		}
		for _, f := range Names() {
			for _, iv := range []Interval{{-4, 4}, {-1, 7.5}, {-30, 30}} {
				for _, d := range []int{1, 2, 3, 5, 8, 15} {
					for _, m := range Methods() {
						write(Fit(f, m, d, iv))
					}
				}
				counts := make([]float64, 40)
				for i := range counts {
					counts[i] = float64(i * (39 - i) % 17)
				}
				for _, d := range []int{1, 2, 4} {
					write(FitHistogram(f, d, Histogram{Interval: iv, Counts: counts}))
				}
			}
		}
	})
}
