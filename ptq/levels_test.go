package ptq

import (
	"encoding/json"
	"io"
	"testing"

	"qtool/calibrate"
	"qtool/internal/samebits"
)

// Every method of quantization without training.
func TestSameBits(t *testing.T) {
	samebits.Check(t, "ec5cef0476e3d9fa80d21b7594c1893941e76db244b9a4b74c972d3c388d9c54", func(w io.Writer) {
		for _, o := range []Options{{}, {Equalize: true}, {LearnedRounding: true}, {BiasCorrection: true}, {Equalize: true, LearnedRounding: true, BiasCorrection: true}} {
			for _, c := range []calibrate.WeightConfig{{Bits: 3, Kind: "mse"}, {Bits: 4, PerChannel: true}} {
				if o.Equalize && c.PerChannel {
					continue // the one leaves nothing to the other
				}
				for _, observer := range calibrate.Observers {
					if o.LearnedRounding && observer != "minmax" {
						continue // what is learned is slow, and the range of the input alone differs
					}
					k := task(t, o, c)
					k.Config.Input.Observer = observer
					r := run(t, k)
					for _, p := range r.Quantized.Params {
						samebits.Write(w, p.Data)
					}
					if err := json.NewEncoder(w).Encode([]any{r.Quantized.Input, r.Quantized.Weights}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
	})
}
