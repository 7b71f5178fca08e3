// Package explain says what quantization does to each tensor of a network, and
// which one it hurts most.
package explain

import (
	"context"
	"fmt"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/export"
	"qtool/model"
	"qtool/qat"
	"qtool/task"
	"qtool/train"
)

// Task is a quantized network to be explained.
type Task struct {
	Quantized *model.Quantized
	// Float are the parameters that layers left in float have; see qat.Mixed.
	Float model.Parameters
	// Calibration are samples that tensors are looked at on; Held are others, for
	// accuracies.
	Calibration, Held *datasets.Split
	Noun              task.Noun // of a sample; zero for images
	// Inputs are the calibration samples as the program takes them; nil: as they are.
	Inputs *datasets.Split
	// Progress, if not nil, is called as work is done, from one goroutine.
	Progress func(done, total int)
}

// Report is what was found.
type Report struct {
	CalibrationImages int `json:"calibration_images"`
	Images            int `json:"images"` // that accuracies are of
	// Noun is what one of them is, "" for an image.
	Noun string `json:"noun,omitempty"`
	// Float is the accuracy with nothing quantized, Quantized with everything.
	Float     float64 `json:"float_accuracy"`
	Quantized float64 `json:"quantized_accuracy"`
	Layers    []Layer `json:"layers"` // the input first
	// Worst says in words which tensor's quantization hurts most.
	Worst string `json:"worst"`
}

// Layer is the input or an operation of the program. What it has no quantizer
// for is nil.
type Layer struct {
	Name string      `json:"name"`
	Op   bundle.Kind `json:"op"`
	// Bits is the quantizer's width: of the weights, or of the outputs of the
	// input and of lookup-table activations. 0 is none.
	Bits int `json:"bits"`
	// SQNR compares the outputs with the float network's, in decibels; see
	// export.Observe.
	SQNR float64 `json:"sqnr_db"`
	// Saturation is the share of values that the quantizer clamps: of weights, of
	// pixels, or of the activations that the program meets.
	Saturation *float64 `json:"saturation"`
	// Range is the static bound, Seen the calibration range, Headroom the bits that
	// the static bound needs more than the calibration range.
	Range    bundle.Range `json:"range"`
	Seen     bundle.Range `json:"seen"`
	Headroom int          `json:"headroom_bits"`
	// DomainUsed is the share of a table's entries that were looked up.
	DomainUsed *float64 `json:"domain_used"`
	// Alone is the accuracy with this tensor alone quantized, Without with
	// everything else.
	Alone   *float64 `json:"accuracy_alone"`
	Without *float64 `json:"accuracy_without"`
}

// Run explains a network. The program is made anew, so that no bundle changes.
func Run(ctx context.Context, t Task) (*Report, error) {
	q := t.Quantized
	if t.Noun == (task.Noun{}) {
		t.Noun = task.Image
	}
	if t.Calibration == nil || t.Calibration.Len() == 0 {
		return nil, fmt.Errorf("explain: no calibration %s", t.Noun.One)
	}
	if t.Inputs == nil {
		t.Inputs = t.Calibration
	}
	if t.Held == nil || t.Held.Len() == 0 {
		return nil, fmt.Errorf("explain: no held-out %s to measure accuracies on", t.Noun.One)
	}
	if err := t.Float.Check(q.Network); err != nil {
		return nil, fmt.Errorf("explain: float parameters: %w", err)
	}
	shapes, err := q.Network.Shapes()
	if err != nil {
		return nil, err
	}
	labels := make([]string, max(shapes[len(shapes)-1][0], 2)) // one logit tells two classes
	p, err := export.Program(q, labels)
	if err != nil {
		return nil, err
	}
	r := &Report{CalibrationImages: t.Calibration.Len(), Images: t.Held.Len(), Noun: t.Noun.One}
	if r.Layers, err = t.tensors(ctx, p); err != nil {
		return nil, err
	}
	if err := t.accuracies(ctx, r); err != nil {
		return nil, err
	}
	r.Worst = r.worst()
	return r, nil
}

// switched reports whether quantizing the layer's tensor can be left out.
func (t Task) switched(name string) bool {
	if name == qat.InputName {
		return true
	}
	for _, l := range t.Quantized.Network.Layers {
		if l.Name == name {
			return l.Weighted() || l.LookupTable() || l.Recurrent() || l.Type == model.Polynomial
		}
	}
	return false
}

// accuracies measures the network with nothing, everything, each tensor alone
// and all but it quantized.
func (t Task) accuracies(ctx context.Context, r *Report) error {
	type measure struct {
		on func(name string) bool
		to *float64
	}
	measures := []measure{{func(string) bool { return false }, &r.Float}, {func(string) bool { return true }, &r.Quantized}}
	for i := range r.Layers {
		if l := &r.Layers[i]; t.switched(l.Name) {
			l.Alone, l.Without = new(float64), new(float64)
			measures = append(measures,
				measure{func(name string) bool { return name == l.Name }, l.Alone},
				measure{func(name string) bool { return name != l.Name }, l.Without})
		}
	}
	for k, m := range measures {
		var err error
		if *m.to, err = t.accuracy(ctx, m.on); err != nil {
			return err
		}
		if t.Progress != nil {
			t.Progress(k+1, len(measures))
		}
	}
	return nil
}

func (t Task) accuracy(ctx context.Context, on func(name string) bool) (float64, error) {
	z, err := qat.Mixed(t.Quantized, t.Float, on)
	if err != nil {
		return 0, err
	}
	e, err := train.NewEvaluator(t.Quantized.Network, t.Quantized.Params, z)
	if err != nil {
		return 0, err
	}
	defer e.Close()
	return e.Accuracy(ctx, t.Held)
}
