package ptq

import "context"

// correctBias sets the bias of the weighted layer i so that the mean of every
// output channel, over the calibration samples and all positions, is what it is
// in the float network:
//
//	b_o <- b_o + E[z_o] - E[z^_o]
//
// with z of the float network and z^ of the quantized one, whose layers before
// this are corrected already. What is left is the rounding of the bias to an
// integer, at most Out_o/2. The tensors held must be z and, still, the layer's
// integer inputs.
//
// Reference: Nagel et al., arXiv 1906.04721, section 4.2, with measured
// expectations.
func (w *walk) correctBias(ctx context.Context, i int) error {
	_, bias := w.q.Params.Of(w.q.Network.Layers[i].Name)
	sums, means := w.sums(i), make([][]float64, w.images())
	err := each(ctx, len(means), func(k int) {
		means[k] = channelMeans([][]float64{sums(w.reads(w.integer, i, k))}, len(bias))
	})
	if err != nil {
		return err
	}
	out := w.scaling[i].Out
	want, got := channelMeans(w.real[i+1], len(bias)), channelMeans(means, len(bias))
	for o := range bias {
		bias[o] = float32(want[o] - float64(out[o%len(out)]*got[o]))
	}
	w.scaling, err = w.q.Scaling() // tables hold the biases before them
	return err
}
