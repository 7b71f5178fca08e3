package explain

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"

	"qtool/bundle"
	"qtool/calibrate"
	"qtool/datasets"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/quant"
	"qtool/train"
)

var loadDigits = sync.OnceValues(func() (*datasets.Dataset, error) {
	return datasets.Load(context.Background(), "digits", datasets.Options{})
})

// explained is a trained and rounded network with the given activation, and what
// is said of it.
func explained(t *testing.T, activation model.Layer, c calibrate.Config) (Task, *Report) {
	t.Helper()
	d, err := loadDigits()
	if err != nil {
		t.Fatal(err)
	}
	activation.Name = "act"
	n := &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
		{Type: model.AvgPool, Name: "shrink", Kernel: model.Both(4)}, {Type: model.Flatten, Name: "flat"},
		{Type: model.Dense, Name: "fc1", Units: 12}, activation, {Type: model.Dense, Name: "fc2", Units: 10},
	}}
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	fit, err := train.Fit(context.Background(), train.Task{Network: n, Params: p, Train: d.Train.First(1000), Seed: 1, Config: train.Config{
		Epochs: 4, Batch: 20, LearningRate: 0.01, Schedule: "constant", Clip: 1,
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := ptq.Run(context.Background(), ptq.Task{Network: n, Params: fit.Params, Config: c, Images: d.Train.First(300), Options: ptq.Options{BiasCorrection: true}})
	if err != nil {
		t.Fatal(err)
	}
	last, total := 0, 0
	task := Task{
		Quantized: r.Quantized, Float: r.Float, Calibration: d.Train.First(300), Held: d.Test.First(500),
		Progress: func(done, all int) { last, total = done, all },
	}
	report, err := Run(context.Background(), task)
	if err != nil {
		t.Fatal(err)
	}
	if last != total || total < 8 {
		t.Errorf("progress ends at %d of %d", last, total)
	}
	return task, report
}

func accuracy(t *testing.T, task Task, p model.Parameters, z train.Quantizer) float64 {
	t.Helper()
	e, err := train.NewEvaluator(task.Quantized.Network, p, z)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	a, err := e.Accuracy(context.Background(), task.Held)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// config is of 2-bit weights and a clipped 3-bit input.
func config(t *testing.T, activations int) calibrate.Config {
	c := calibrate.Config{
		Weights: calibrate.WeightConfig{Bits: 2, Kind: "mse"}, Images: 300,
		Input:  calibrate.InputConfig{Bits: 3, Observer: "percentile", Percentile: 90},
		Layers: map[string]calibrate.LayerConfig{"fc2": {Bits: 6}},
	}
	c.Activations.Bits = activations
	return c
}

func TestExplain(t *testing.T) {
	task, r := explained(t, model.Layer{Type: model.Square}, config(t, 0))
	z, err := qat.New(task.Quantized)
	if err != nil {
		t.Fatal(err)
	}
	if want := accuracy(t, task, task.Float, nil); r.Float != want {
		t.Errorf("accuracy %v in float, want %v", r.Float, want)
	}
	if want := accuracy(t, task, task.Quantized.Params, z); r.Quantized != want {
		t.Errorf("accuracy %v quantized, want %v", r.Quantized, want)
	}
	if r.Float < r.Quantized+0.02 {
		t.Errorf("accuracies %v and %v: quantization costs too little for this test", r.Float, r.Quantized)
	}
	at := map[string]*Layer{}
	var names []string
	for i := range r.Layers {
		at[r.Layers[i].Name] = &r.Layers[i]
		names = append(names, r.Layers[i].Name)
	}
	if got := strings.Join(names, " "); got != "input shrink flat fc1 act fc2" {
		t.Fatalf("layers %s", got)
	}
	for name, bits := range map[string]int{"input": 3, "fc1": 2, "fc2": 6, "act": 0, "shrink": 0} {
		l := at[name]
		if l.Bits != bits || (l.Alone != nil) != (bits > 0) || (l.Without != nil) != (bits > 0) || (l.Saturation != nil) != (bits > 0) || l.DomainUsed != nil {
			t.Errorf("%s: %+v", name, l)
		}
		if !l.Range.Union(l.Seen).Equal(l.Range) || l.Headroom != l.Range.Bits()-l.Seen.Bits() || l.Headroom < 0 {
			t.Errorf("%s: range %v, seen %v, headroom %d", name, l.Range, l.Seen, l.Headroom)
		}
	}
	// Two bits in the first layer are the loss, and the sentence says so.
	if !(*at["fc1"].Alone < *at["fc2"].Alone) || !(*at["fc1"].Without > r.Quantized) || !strings.HasPrefix(r.Worst, "fc1 hurts most: left in float alone it would give back ") {
		t.Errorf("%s; fc1 %v %v, fc2 %v", r.Worst, *at["fc1"].Alone, *at["fc1"].Without, *at["fc2"].Alone)
	}
	// The shares against plain counts.
	clamped, pixels := 0, 0
	top := task.Quantized.Input.Dequantize(task.Quantized.Input.QMax()) + task.Quantized.Input.Scale/2
	for _, b := range task.Calibration.Images {
		if pixels++; float32(b)/255 > top {
			clamped++
		}
	}
	if want := float64(clamped) / float64(pixels); *at["input"].Saturation != want || want == 0 {
		t.Errorf("%v of the input is clamped, want %v", *at["input"].Saturation, want)
	}
	w, _ := task.Float.Of("fc1")
	clamped = 0
	for _, v := range w {
		if math.Abs(float64(v)) > 1.5*float64(task.Quantized.Weights[0].Scales[0]) {
			clamped++
		}
	}
	if want := float64(clamped) / float64(len(w)); *at["fc1"].Saturation != want || want == 0 {
		t.Errorf("%v of fc1 is clamped, want %v", *at["fc1"].Saturation, want)
	}
	if at["fc1"].SQNR <= 0 || at["fc1"].SQNR >= at["input"].SQNR {
		t.Errorf("SQNR %v of the input and %v of fc1", at["input"].SQNR, at["fc1"].SQNR)
	}
}

// The activation of a table model is a tensor of its own.
func TestExplainTables(t *testing.T) {
	c := config(t, 2)
	c.Activations.Observer, c.Activations.Percentile = "percentile", 80
	task, r := explained(t, model.Layer{Type: model.ReLU}, c)
	l := r.Layers[4]
	if l.Name != "act" || l.Bits != 2 || l.Op != bundle.KindLookupTable || l.Alone == nil || l.Without == nil {
		t.Fatalf("%+v", l)
	}
	if s := *l.Saturation; s <= 0.05 || s >= 0.5 {
		t.Errorf("%v of the activations are clamped, of a grid that leaves out a fifth", s)
	}
	if u := *l.DomainUsed; u <= 0 || u >= 1 {
		t.Errorf("%v of the table is used", u)
	}
	z, err := qat.New(task.Quantized)
	if err != nil {
		t.Fatal(err)
	}
	if want := accuracy(t, task, task.Quantized.Params, z); r.Quantized != want {
		t.Errorf("accuracy %v quantized, want %v", r.Quantized, want)
	}
}

// Entries are counted as they are read: of five, three, and one of four reads is
// beyond the grid.
func TestLookups(t *testing.T) {
	l := lookups{
		table:  &bundle.LookupTable{Tables: []bundle.Table{{Lo: -1, Values: make([]int32, 5)}}},
		counts: [][]int{make([]int, 5)},
	}
	l.add(bundle.Vec{Small: []int64{-1, 3, 0, 0}})
	scaling := &model.LayerScaling{
		Slope: []float64{0.5}, Offset: []float64{0}, Table: &model.ActivationQuantizer{Params: quant.Params{Scale: 1, Bits: 1}},
	}
	saturation, used := l.rates(model.Layer{Type: model.ReLU}, scaling)
	if *saturation != 0.25 || *used != 0.6 {
		t.Errorf("%v clamped and %v used", *saturation, *used)
	}
}

func TestWorst(t *testing.T) {
	layer := func(name string, alone, without float64) Layer {
		return Layer{Name: name, Alone: &alone, Without: &without}
	}
	for _, c := range []struct {
		layers []Layer
		want   string
	}{
		{[]Layer{{Name: "pool"}, layer("a", 0.98, 0.96), layer("b", 0.97, 0.97)},
			"b hurts most: left in float alone it would give back 2 of 100 images, from 95.00 % to 97.00 %; quantized alone it costs 2 of 100 images, from 99.00 % to 97.00 %."},
		{[]Layer{layer("a", 0.98, 0.96), layer("b", 0.99, 0.96)}, "a hurts most:"},
		{[]Layer{layer("a", 1, 0.96)}, "a hurts most: left in float alone it would give back 1 of 100 images, from 95.00 % to 96.00 %; quantized alone it costs nothing."},
		{[]Layer{layer("a", 0.98, 0.95), layer("b", 0.99, 0.94)},
			"No tensor would give back accuracy if it alone were left in float; on its own a costs most: 1 of 100 images, from 99.00 % to 98.00 %."},
		{[]Layer{layer("a", 0.99, 0.95)}, "No tensor's quantization costs accuracy on its own."},
		{nil, "No tensor's quantization costs accuracy on its own."},
	} {
		r := Report{Images: 100, Float: 0.99, Quantized: 0.95, Layers: c.layers}
		if got := r.worst(); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

func TestErrors(t *testing.T) {
	task, _ := explained(t, model.Layer{Type: model.Square}, config(t, 0))
	ctx := context.Background()
	for want, change := range map[string]func(*Task){
		"no calibration image":             func(t *Task) { t.Calibration = t.Calibration.First(0) },
		"no held-out image":                func(t *Task) { t.Held = nil },
		"explain: float parameters: model": func(t *Task) { t.Float = t.Float[:1] },
		`layer "fc2" (dense): it has no weight quantizer`: func(t *Task) {
			q := *t.Quantized
			q.Weights = q.Weights[:1]
			t.Quantized = &q
		},
	} {
		broken := task
		change(&broken)
		if r, err := Run(ctx, broken); r != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
	ended, end := context.WithCancel(ctx)
	end()
	if _, err := Run(ended, task); err == nil {
		t.Error("goes on after its context ended")
	}
}
