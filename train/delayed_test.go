package train_test

import (
	"context"
	"reflect"
	"testing"

	"qtool/calibrate"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
)

// delay is the task with its first epoch in float.
func delay(t *testing.T, k train.Task, c calibrate.Config) train.Task {
	t.Helper()
	q := k.Quantizer.(*qat.Quantizer).Quantized()
	o := qat.OptionsOf(c, q.Network)
	o.Calibrate = func(p model.Parameters) (*model.Quantized, error) {
		return ptq.Quantize(context.Background(), q.Network, p, c, k.Train)
	}
	var err error
	if k.Quantizer, err = qat.Training(q, o); err != nil {
		t.Fatal(err)
	}
	k.Config.StartQuantization = 1
	return k
}

// calibrations is a quantizer that keeps what it was calibrated for, and what
// scales that gave.
type calibrations struct {
	*qat.Quantizer
	params []model.Parameters
	scales [][]any
}

func (c *calibrations) Calibrate(p model.Parameters) error {
	err := c.Quantizer.Calibrate(p)
	q := c.Quantized()
	weights := make([][]float32, len(q.Weights))
	for i, w := range q.Weights {
		weights[i] = append(weights[i], w.Scales...)
	}
	activations := append([]model.ActivationQuantizer(nil), q.Activations...)
	c.params, c.scales = append(c.params, p.Clone()), append(c.scales, []any{q.Input, weights, activations})
	return err
}

// Until it starts, a delayed quantization is float training; then scales are chosen for
// the parameters that it has reached, and from there on quantization shows.
func TestStartQuantization(t *testing.T) {
	learned := tableConfig()
	learned.Learn = calibrate.LearnConfig{Weights: true, Input: true, Activations: true}
	for name, c := range map[string]calibrate.Config{"learned": learned, "observed": tableConfig()} {
		k := delay(t, tableTask(t, c), c)
		k.Config.Schedule = "constant" // so that fewer epochs are the beginning of more
		float := k
		float.Quantizer, float.Config.StartQuantization, float.Config.Epochs = nil, 0, 1
		want := fit(t, float)

		seen := &calibrations{Quantizer: k.Quantizer.(*qat.Quantizer)}
		k.Quantizer = seen
		stale := scalesOf(delay(t, tableTask(t, c), c))
		got := fit(t, k)
		if len(seen.params) != 1 || !reflect.DeepEqual(seen.params[0], want.Params) {
			t.Fatalf("%s: calibrated %d times, for other parameters than an epoch in float gives", name, len(seen.params))
		}
		fresh, err := ptq.Quantize(context.Background(), seen.Quantized().Network, want.Params, c, k.Train)
		if err != nil {
			t.Fatal(err)
		}
		weights := make([][]float32, len(fresh.Weights))
		for i, w := range fresh.Weights {
			weights[i] = w.Scales
		}
		if at := []any{fresh.Input, weights, fresh.Activations}; !reflect.DeepEqual(seen.scales[0], at) {
			t.Errorf("%s: quantization began with the scales\n%v, want\n%v", name, seen.scales[0], at)
		}
		if reflect.DeepEqual(stale[2], fresh.Activations) {
			t.Errorf("%s: an epoch in float did not move the activations' ranges: this shows nothing", name)
		}
		for i, e := range got.History {
			if e.Float != (i == 0) {
				t.Errorf("%s: epoch %d in float: %v", name, e.Epoch, e.Float)
			}
		}
		if !reflect.DeepEqual(got.History[0].Loss, want.History[0].Loss) || got.History[0].Validation != want.History[0].Validation {
			t.Errorf("%s: first epoch %+v, in float %+v", name, got.History[0], want.History[0])
		}
		float.Config.Epochs = 3
		if reflect.DeepEqual(fit(t, float).Params, got.Params) {
			t.Errorf("%s: quantization changed nothing", name)
		}
		at := delay(t, tableTask(t, c), c)
		at.Config.Schedule, at.Config.StartQuantization = "constant", 0
		if reflect.DeepEqual(fit(t, at).Params, got.Params) {
			t.Errorf("%s: the delay changed nothing", name)
		}
	}
}

// The best epoch is a quantized one, however good those in float were.
func TestBestIsQuantized(t *testing.T) {
	c := tableConfig()
	k := delay(t, tableTask(t, c), c)
	k.Config.Epochs, k.Config.StartQuantization, k.Config.Patience = 6, 4, 1
	r := fit(t, k)
	if r.Best <= 4 || len(r.History) < 5 {
		t.Errorf("best epoch %d of %+v: the first 4 are in float", r.Best, r.History)
	}
}
