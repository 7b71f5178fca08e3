package recipe

import (
	"fmt"

	"qtool/encode"
)

// Encoder says how images become the tensors that the network takes: byte b of channel c
// becomes (b/255 - Mean[c]) / Std[c]. Either has one number for all channels or one for
// each; without numbers the mean is 0, the deviation 1.
type Encoder struct {
	Mean []float32 `yaml:"mean,omitempty,flow"`
	Std  []float32 `yaml:"std,omitempty,flow"`
}

// Pixels is the encoder of a recipe for images.
func (r *Recipe) Pixels() (*encode.Pixels, error) {
	if r.Encoder == nil {
		return encode.NewPixels(r.Network.Input, nil, nil)
	}
	if len(r.Encoder.Mean) == 0 && len(r.Encoder.Std) == 0 {
		return nil, fmt.Errorf("encoder: it says nothing: give mean or std, or leave it out")
	}
	e, err := encode.NewPixels(r.Network.Input, r.Encoder.Mean, r.Encoder.Std)
	if err != nil {
		return nil, fmt.Errorf("encoder.%w", err)
	}
	return e, nil
}
