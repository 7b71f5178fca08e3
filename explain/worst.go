package explain

import (
	"fmt"
	"math"

	"qtool/task"
)

// worst is the sentence that names the tensor whose quantization hurts most: the
// one that gains most when it alone is left in float. Where none gains, it is the
// one that costs most on its own.
func (r *Report) worst() string {
	var gains, costs *Layer
	for i := range r.Layers {
		l := &r.Layers[i]
		if l.Alone == nil {
			continue
		}
		if gains == nil || *l.Without > *gains.Without || *l.Without == *gains.Without && *l.Alone < *gains.Alone {
			gains = l
		}
		if costs == nil || *l.Alone < *costs.Alone {
			costs = l
		}
	}
	switch {
	case gains != nil && *gains.Without > r.Quantized:
		return fmt.Sprintf("%s hurts most: left in float alone it would give back %s, from %s to %s; quantized alone it costs %s.",
			gains.Name, r.share(*gains.Without-r.Quantized), percent(r.Quantized), percent(*gains.Without), r.alone(gains))
	case costs != nil && *costs.Alone < r.Float:
		return fmt.Sprintf("No tensor would give back accuracy if it alone were left in float; on its own %s costs most: %s.", costs.Name, r.alone(costs))
	}
	return "No tensor's quantization costs accuracy on its own."
}

// alone is what quantizing the layer alone costs the float network.
func (r *Report) alone(l *Layer) string {
	if *l.Alone >= r.Float {
		return "nothing"
	}
	return fmt.Sprintf("%s, from %s to %s", r.share(r.Float-*l.Alone), percent(r.Float), percent(*l.Alone))
}

// share is a difference of accuracies in samples, which show how little a small
// one means.
func (r *Report) share(difference float64) string {
	return fmt.Sprintf("%.0f of %d %s", math.Round(difference*float64(r.Images)), r.Images, task.Named(r.Noun).Many)
}

func percent(a float64) string { return fmt.Sprintf("%.2f %%", 100*a) }
