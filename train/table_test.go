package train_test

import (
	"context"
	"fmt"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"qtool/calibrate"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
	"qtool/train/op"
)

// tableNetwork has tables behind batch norms and a dense layer with a bias.
func tableNetwork() *model.Network {
	return &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
		{Type: model.AvgPool, Name: "pool0", Kernel: model.Both(4)},
		{Type: model.Conv, Name: "conv", Channels: 3, Kernel: model.Both(3), Stride: model.Both(2), Padding: model.AllSides(1)},
		{Type: model.BatchNorm, Name: "norm"},
		{Type: model.Tanh, Name: "tanh"},
		{Type: model.Flatten, Name: "flat"},
		{Type: model.Dense, Name: "fc1", Units: 16},
		{Type: model.Sigmoid, Name: "sigmoid"},
		{Type: model.Dense, Name: "fc2", Units: 10},
	}}
}

func tableConfig() calibrate.Config {
	return calibrate.Config{
		Weights: calibrate.WeightConfig{Bits: 3, PerChannel: true}, Input: calibrate.InputConfig{Bits: 3, Observer: "minmax"},
		Activations: calibrate.ActivationConfig{InputConfig: calibrate.InputConfig{Bits: 3}}, Images: 50,
		Accumulator: calibrate.AccumulatorConfig{Bits: 7, Shift: 1},
	}
}

// tableTask trains the table network in epochs of four steps.
func tableTask(t *testing.T, c calibrate.Config) train.Task {
	t.Helper()
	k := task(t, 1)
	k.Network, k.Train, k.Validation = tableNetwork(), k.Train.First(200), k.Validation.First(100)
	var err error
	if k.Params, err = k.Network.Initialise(1); err != nil {
		t.Fatal(err)
	}
	q, err := ptq.Quantize(context.Background(), k.Network, k.Params, c, k.Train)
	if err != nil {
		t.Fatal(err)
	}
	z, err := qat.Training(q, qat.OptionsOf(c, q.Network))
	if err != nil {
		t.Fatal(err)
	}
	k.Quantizer = z
	return k
}

// tableTasks are table networks with all that training may change.
func tableTasks(t *testing.T) map[string]func() train.Task {
	learned := tableConfig()
	learned.Learn = calibrate.LearnConfig{Weights: true, Input: true, Activations: true}
	free := tableConfig()
	free.Accumulator = calibrate.AccumulatorConfig{}
	teacher := network()
	answers, err := teacher.Initialise(9)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]func() train.Task{
		"learned, taught": func() train.Task {
			k := tableTask(t, learned)
			k.Teacher = &train.Teacher{Network: teacher, Params: answers, Distillation: op.Distillation{Weight: 0.5, Temperature: 3}}
			return k
		},
		"learned, frozen": func() train.Task {
			k := tableTask(t, learned)
			k.Config.FreezeScales = 1
			return k
		},
		"observed, frozen": func() train.Task {
			k := tableTask(t, free)
			k.Config.FreezeScales = 1
			return k
		},
		"observed, frozen, with patience": func() train.Task {
			k := tableTask(t, free)
			k.Config.FreezeScales, k.Config.Patience = 1, 10
			return k
		},
		"learned, delayed": func() train.Task { return delay(t, tableTask(t, learned), learned) },
		"observed, delayed, frozen, with patience": func() train.Task {
			k := delay(t, tableTask(t, free), free)
			k.Config.FreezeScales, k.Config.Patience = 2, 10
			return k
		},
	}
}

// scalesOf is everything of a quantizer that training changes.
func scalesOf(k train.Task) []any {
	q := k.Quantizer.(*qat.Quantizer).Quantized()
	return []any{q.Input, q.Weights, q.Activations, q.Params}
}

// As TestResume, with the quantizers too.
func TestTableResume(t *testing.T) {
	for name, make := range tableTasks(t) {
		whole := make()
		want := fit(t, whole)
		for _, cut := range [][]int{{2}, {6}, {4, 5}} { // in the middle and at the end of epochs
			state := filepath.Join(t.TempDir(), "state")
			next := func() train.Task {
				k := make()
				k.State, k.Identity, k.Resume = state, "run 1", true
				return k
			}
			for _, steps := range cut {
				interrupt(t, next(), steps)
			}
			k := next()
			got := fit(t, k)
			if !reflect.DeepEqual(got.Params, want.Params) || !reflect.DeepEqual(got.History, want.History) || got.Best != want.Best {
				t.Errorf("%s, cut after %v steps: another result", name, cut)
			}
			if !reflect.DeepEqual(scalesOf(k), scalesOf(whole)) {
				t.Errorf("%s, cut after %v steps: other quantizers", name, cut)
			}
		}
	}
}

func TestTableCoresDoNotMatter(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	make := tableTasks(t)["learned, taught"]
	var results []*train.Result
	var scales [][]any
	for _, cores := range []int{1, 3} {
		runtime.GOMAXPROCS(cores)
		k := make()
		results, scales = append(results, fit(t, k)), append(scales, scalesOf(k))
	}
	if !reflect.DeepEqual(results[0].Params, results[1].Params) || !reflect.DeepEqual(results[0].History, results[1].History) || !reflect.DeepEqual(scales[0], scales[1]) {
		t.Error("another number of cores gives another result")
	}
}

// What is kept scores what the history says of its epoch: training, validation and
// the network that is exported have the same quantizers.
func TestKeptQuantizersAreTheScored(t *testing.T) {
	tasks := tableTasks(t)
	for name, make := range variants(t, 1) {
		tasks[name] = make
	}
	for name, make := range tasks {
		k := make()
		if k.Quantizer == nil {
			continue
		}
		r := fit(t, k)
		q := k.Quantizer.(*qat.Quantizer).Quantized()
		z, err := qat.New(q)
		if err != nil {
			t.Fatal(err)
		}
		e, err := train.NewEvaluator(q.Network, q.Params, z)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		a, err := e.Accuracy(context.Background(), k.Validation)
		if err != nil {
			t.Fatal(err)
		}
		if want := r.History[r.Best-1].Validation; a != want {
			t.Errorf("%s: the kept network scores %v, epoch %d did %v", name, a, r.Best, want)
		}
	}
}

// Scales move until they are frozen; weights move on. A bound on accumulators may
// raise frozen scales of weights still.
func TestFreezeScales(t *testing.T) {
	for _, name := range []string{"learned, frozen", "observed, frozen"} {
		var scales [2]string
		var params [2]model.Parameters
		for i, epochs := range []int{1, 3} {
			k := tableTasks(t)[name]()
			seen := func() string {
				q := k.Quantizer.(*qat.Quantizer).Quantized()
				if name == "learned, frozen" {
					return fmt.Sprint(q.Input, q.Activations)
				}
				return fmt.Sprint(q.Weights)
			}
			start := seen()
			// A constant rate, so that the first epoch is the same in both.
			k.Config.Epochs, k.Config.Schedule = epochs, "constant"
			if epochs == 1 {
				k.Config.FreezeScales = 0 // there is nothing after it to freeze
			}
			params[i], scales[i] = fit(t, k).Params, seen()
			if scales[i] == start {
				t.Errorf("%s: no scale moved", name)
			}
		}
		if scales[0] != scales[1] {
			t.Errorf("%s: after the first epoch the scales moved from\n%s to\n%s", name, scales[0], scales[1])
		}
		if reflect.DeepEqual(params[0], params[1]) {
			t.Errorf("%s: the weights stopped too", name)
		}
	}
}

func TestTeacherErrors(t *testing.T) {
	for _, c := range []struct {
		change func(*train.Teacher)
		want   string
	}{
		{func(x *train.Teacher) { x.Network.Layers[4].Units = 20 }, "train: the teacher has 20 logits, the network 10"},
		{func(x *train.Teacher) { x.Network.Input = []int{1, 26, 26} }, "train: the teacher takes inputs of shape [1 26 26], the network [1 28 28]"},
	} {
		n := network()
		x := &train.Teacher{Network: n, Distillation: op.Distillation{Weight: 0.5, Temperature: 3}}
		c.change(x)
		var err error
		if x.Params, err = n.Initialise(1); err != nil {
			t.Fatal(err)
		}
		k := task(t, 1)
		k.Teacher = x
		if r, err := train.Fit(context.Background(), k); r != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
	k := task(t, 1)
	k.Teacher = &train.Teacher{Network: network(), Distillation: op.Distillation{Weight: 0.5, Temperature: 3}}
	if _, err := train.Fit(context.Background(), k); err == nil || !strings.Contains(err.Error(), "train: teacher: model: 0 parameter tensors") {
		t.Errorf("a teacher without parameters: %v", err)
	}
}
