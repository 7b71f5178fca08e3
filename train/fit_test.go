package train_test

import (
	"context"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"qtool/datasets"
	"qtool/model"
	"qtool/qat"
	"qtool/train"
)

// variants are a task in float and in both kinds of fake quantization.
func variants(t testing.TB, seed uint64) map[string]func() train.Task {
	return map[string]func() train.Task{
		"float":           func() train.Task { return task(t, seed) },
		"qat per tensor":  func() train.Task { return quantizeTask(t, task(t, seed), false) },
		"qat per channel": func() train.Task { return quantizeTask(t, task(t, seed), true) },
		"qat polynomial":  func() train.Task { return quantizeTask(t, polynomialTask(t, seed), true) },
		"qat polynomial, learned scales": func() train.Task {
			k := quantizeTask(t, polynomialTask(t, seed), true)
			z, err := qat.Training(k.Quantizer.(*qat.Quantizer).Quantized(), qat.Options{WeightScales: true, Input: true})
			if err != nil {
				t.Fatal(err)
			}
			k.Quantizer = z
			k.Config.LearningRate *= 2 // nothing but the step moves these scales
			return k
		},
	}
}

func TestFitLearns(t *testing.T) {
	for name, make := range variants(t, 1) {
		k := make()
		before := k.Params.Clone()
		r := fit(t, k)
		if len(r.History) != 3 || r.Best != 3 {
			t.Fatalf("%s: %d epochs, best %d", name, len(r.History), r.Best)
		}
		first, last := r.History[0], r.History[2]
		// Guessing has a loss of log 10 = 2.3 and is right once in ten.
		if !(last.Loss < first.Loss && last.Loss < 1.5 && last.Accuracy > 0.5 && last.Validation > 0.5) {
			t.Errorf("%s: learned nothing: %+v", name, r.History)
		}
		if !reflect.DeepEqual(k.Params, before) {
			t.Errorf("%s: the task's own parameters changed", name)
		}
	}
}

func TestFitIsDeterministic(t *testing.T) {
	for name, make := range variants(t, 1) {
		a, b := fit(t, make()), fit(t, make())
		if !reflect.DeepEqual(a.Params, b.Params) || !reflect.DeepEqual(a.History, b.History) {
			t.Errorf("%s: the same task gives other parameters", name)
		}
	}
	if reflect.DeepEqual(fit(t, task(t, 1)).Params, fit(t, task(t, 2)).Params) {
		t.Error("another seed gives the same parameters")
	}
	// The seed alone, from the same parameters, orders and moves the images.
	k := task(t, 1)
	k.Seed = 2
	if reflect.DeepEqual(fit(t, task(t, 1)).Params, fit(t, k).Params) {
		t.Error("another seed of training gives the same parameters")
	}
}

func TestCoresDoNotMatter(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for name, make := range variants(t, 3) {
		var results []*train.Result
		for _, cores := range []int{1, 2, 3} {
			runtime.GOMAXPROCS(cores)
			results = append(results, fit(t, make()))
		}
		for _, r := range results[1:] {
			if !reflect.DeepEqual(r.Params, results[0].Params) || !reflect.DeepEqual(r.History, results[0].History) {
				t.Errorf("%s: another number of cores gives other parameters", name)
			}
		}
	}
}

// Whatever the batch is split into, one epoch without augmentation sees every
// image once; a batch of one, an odd one, and one larger than the set.
func TestBatchSizes(t *testing.T) {
	for _, batch := range []int{1, 7, 40, 100} {
		k := task(t, 1)
		k.Train = k.Train.First(40)
		k.Config.Batch, k.Config.Epochs, k.Config.LearningRate = batch, 1, 1e-30
		k.Config.Augment = datasets.Augment{}
		steps := 0
		k.Progress = func(p train.Progress) {
			steps++
			if p.Step != steps || p.Steps != (40+batch-1)/batch || p.Epoch != 1 || p.Epochs != 1 {
				t.Errorf("batch %d: progress %+v at step %d", batch, p, steps)
			}
		}
		r := fit(t, k)
		if steps != (40+batch-1)/batch {
			t.Errorf("batch %d: %d steps", batch, steps)
		}
		// A rate of 1e-30 moves nothing: whatever the batch, loss and accuracy are
		// what the initial parameters give.
		loss, correct := plainLoss(t, k)
		if d := r.History[0].Loss - loss; d > 1e-6 || d < -1e-6 { // of 40 float32 losses near 2.3
			t.Errorf("batch %d: loss %v, want %v", batch, r.History[0].Loss, loss)
		}
		if got := r.History[0].Accuracy; got != float64(correct)/40 {
			t.Errorf("batch %d: accuracy %v, want %d of 40", batch, got, correct)
		}
	}
}

// Gradients of a batch do not depend on how it is split into shards, up to
// rounding; they do if padding counts.
func TestPartlyFilledBatch(t *testing.T) {
	k := task(t, 1)
	k.Config.Augment, k.Config.Epochs, k.Config.Clip = datasets.Augment{}, 1, 0
	k.Train = k.Train.First(9)
	var params []model.Parameters
	for _, batch := range []int{9, 10, 64} { // shards of 5+4, 5+4 and 9+0 images
		k.Config.Batch = batch
		params = append(params, fit(t, k).Params)
	}
	for _, p := range params[1:] {
		for i := range p {
			for j, v := range p[i].Data {
				// A first step of Adam is as long as the rate, whatever the size
				// of the gradient: it shows the gradient's sign, and rounding
				// changes the sign of no gradient that is more than rounding.
				d := v - params[0][i].Data[j]
				if d > 1e-4*0.02 || d < -1e-4*0.02 {
					t.Errorf("%s: element %d is %v, was %v", p[i].Name, j, v, params[0][i].Data[j])
				}
			}
		}
	}
}

func TestPatienceKeepsTheBest(t *testing.T) {
	k := task(t, 1)
	k.Config.Epochs, k.Config.Patience = 12, 2
	// A rate this high makes later epochs worse.
	k.Config.LearningRate, k.Config.Schedule, k.Config.Clip = 1, "constant", 0
	k.Config.Warmup = 4
	r := fit(t, k)
	best := 0
	for i, e := range r.History {
		if e.Validation > r.History[best].Validation {
			best = i
		}
	}
	if r.Best != best+1 {
		t.Errorf("kept epoch %d of %+v", r.Best, r.History)
	}
	if n := len(r.History); n != r.Best+2 || n >= 12 {
		t.Errorf("%d epochs with patience 2 after the best, %d", n, r.Best)
	}
	e, err := train.NewEvaluator(k.Network, r.Params, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if a, err := e.Accuracy(context.Background(), k.Validation); err != nil || a != r.History[best].Validation {
		t.Errorf("the kept parameters score %v, %v, epoch %d did %v", a, err, r.Best, r.History[best].Validation)
	}
}

func TestFitErrors(t *testing.T) {
	for _, c := range []struct {
		change func(*train.Task)
		want   string
	}{
		{func(k *train.Task) { k.Config.Batch = 0 }, "train: batch: 0 is outside"},
		{func(k *train.Task) { k.Train = k.Train.First(0) }, "train: no training samples"},
		{func(k *train.Task) { k.Config.Patience, k.Validation = 1, nil }, "train: patience 1 needs a validation split"},
		{func(k *train.Task) { k.Config.OverflowPenalty = 1 }, "train: overflow_penalty 1: no polynomial has an interval"},
		{func(k *train.Task) { k.Params = k.Params[1:] }, "3 parameter tensors, the network has 4"},
		{func(k *train.Task) { k.Network.Layers[0].Kernel = model.Both(29) }, `layer "pool0" (avgpool): kernel 29`},
		{func(k *train.Task) { k.Params[0].Data[0] = 3e38; k.Params[2].Data[0] = 3e38 }, "train: epoch 1, step 1: gradient norm is"},
		{func(k *train.Task) { k.Train.Labels = append([]uint8(nil), k.Train.Labels...); k.Train.Labels[0] = 10 }, "op cross-entropy"},
	} {
		k := task(t, 1)
		k.Params = k.Params.Clone()
		c.change(&k)
		r, err := train.Fit(context.Background(), k)
		if r != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}
