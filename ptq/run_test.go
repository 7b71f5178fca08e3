package ptq

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qtool/calibrate"
	"qtool/datasets"
	"qtool/model"
)

func randomImages(n int, shape ...int) *datasets.Split {
	r := rand.New(rand.NewPCG(11, 12))
	s := &datasets.Split{Shape: shape, Labels: make([]uint8, n)}
	for range n * shape[0] * shape[1] * shape[2] {
		s.Images = append(s.Images, uint8(r.IntN(256)))
	}
	return s
}

func task(t *testing.T, o Options, c calibrate.WeightConfig) Task {
	t.Helper()
	n := chain(model.Layer{Type: model.Square})
	return Task{
		Network: n, Params: uneven(t, n), Options: o, Images: randomImages(60, 2, 6, 6),
		Config: calibrate.Config{Weights: c, Input: calibrate.InputConfig{Bits: 4, Observer: "minmax"}, Images: 60},
	}
}

func run(t *testing.T, k Task) *Result {
	t.Helper()
	r, err := Run(context.Background(), k)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lockstep takes the images through both networks of a result and calls visit at
// every weighted layer with its real and its integer pre-activations.
func lockstep(t *testing.T, r *Result, images *datasets.Split, visit func(i int, w *walk)) {
	t.Helper()
	w, err := newWalk(r.Quantized, r.Float, images)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for i, l := range r.Quantized.Network.Layers {
		if !l.Weighted() {
			if err := w.unweighted(ctx, i); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := w.targets(ctx, i); err != nil {
			t.Fatal(err)
		}
		if err := w.weighted(ctx, i); err != nil {
			t.Fatal(err)
		}
		visit(i, w)
	}
}

// meanShift is the largest difference of an output channel's mean between the
// networks, in units of the channel's scale.
func meanShift(w *walk, i int) (worst float64) {
	_, b := w.q.Params.Of(w.q.Network.Layers[i].Name)
	want, got := channelMeans(w.real[i+1], len(b)), channelMeans(w.integer[i+1], len(b))
	for o := range want {
		out := w.scaling[i].Out[o%len(w.scaling[i].Out)]
		worst = max(worst, math.Abs(want[o]/out-got[o]))
	}
	return worst
}

// Corrected, every channel's mean is the float network's up to half an integer,
// which is how far the bias is rounded.
func TestBiasCorrection(t *testing.T) {
	for _, c := range []calibrate.WeightConfig{{Bits: 3}, {Bits: 4, PerChannel: true}, {Bits: 1, Kind: "mse"}} {
		plain := run(t, task(t, Options{}, c))
		shifted := 0.0
		lockstep(t, plain, randomImages(60, 2, 6, 6), func(i int, w *walk) { shifted = max(shifted, meanShift(w, i)) })
		corrected := run(t, task(t, Options{BiasCorrection: true}, c))
		lockstep(t, corrected, randomImages(60, 2, 6, 6), func(i int, w *walk) {
			_, b := w.q.Params.Of(w.q.Network.Layers[i].Name)
			largest := 0.0 // the bias in float32 is off by 2^-24 of itself
			for o, v := range b {
				largest = max(largest, math.Abs(float64(v)/w.scaling[i].Out[o%len(w.scaling[i].Out)]))
			}
			if s := meanShift(w, i); s > 0.5+largest*0x1p-22+1e-6 {
				t.Errorf("%+v: layer %q: mean off by %v integers", c, w.q.Network.Layers[i].Name, s)
			}
		})
		if shifted < 1 {
			t.Errorf("%+v: uncorrected means are off by only %v integers: nothing to correct", c, shifted)
		}
	}
}

// The real tensors of the walk are the float network's, the integer ones are the
// quantized network's, in its own scales.
func TestWalk(t *testing.T) {
	t.Run("square", func(t *testing.T) { checkWalk(t, task(t, Options{}, calibrate.WeightConfig{Bits: 8})) })
	t.Run("trained polynomial", func(t *testing.T) {
		k := task(t, Options{}, calibrate.WeightConfig{Bits: 8})
		k.Network = chain(model.Layer{Type: model.Polynomial, Coefficients: []float64{0, 0, 1}, Trainable: true})
		var err error
		if k.Params, err = k.Network.Continue(k.Params); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"act1", "act2", "act3"} {
			copy(k.Params.Coefficients(name), []float32{0.25, -0.5, 0.75})
		}
		checkWalk(t, k)
	})
}

func checkWalk(t *testing.T, k Task) {
	t.Helper()
	r := run(t, k)
	lockstep(t, r, k.Images, func(i int, w *walk) {
		for j := range 3 {
			x := make([]float32, 72)
			for p, v := range k.Images.Image(j) {
				x[p] = float32(v) / 255
			}
			outs, err := k.Network.Forward(k.Params, x)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(outs[i], w.real[i+1][j]) {
				t.Fatalf("layer %d: float tensors differ", i)
			}
			signal, noise := 0.0, 0.0
			for p, v := range outs[i] {
				d := v - w.integer[i+1][j][p]*w.scaling[i].Out[0]
				signal += v * v
				noise += d * d
				if w.integer[i+1][j][p] != math.Trunc(w.integer[i+1][j][p]) {
					t.Fatalf("layer %d: %v is no integer", i, w.integer[i+1][j][p])
				}
			}
			if noise > 0.1*signal {
				t.Errorf("layer %d: noise %v of signal %v at 8 bits", i, noise, signal)
			}
		}
	})
}

// reconstruction is the relative squared error of every weighted layer.
func reconstruction(t *testing.T, r *Result, images *datasets.Split) map[string]float64 {
	t.Helper()
	e := map[string]float64{}
	lockstep(t, r, images, func(i int, w *walk) {
		signal, noise := 0.0, 0.0
		for k := range w.real[i+1] {
			for p, v := range w.real[i+1][k] {
				out := w.scaling[i].Out
				d := v - w.integer[i+1][k][p]*out[p*len(out)/len(w.real[i+1][k])]
				signal += v * v
				noise += d * d
			}
		}
		e[w.q.Network.Layers[i].Name] = noise / signal
	})
	return e
}

// Learnt weights stand on the grid: rounding them gives the same integers, and
// the network they make is nearer to the float network at its output.
func TestLearnedRounding(t *testing.T) {
	for _, c := range []calibrate.WeightConfig{{Bits: 3}, {Bits: 3, Kind: "mse", PerChannel: true}, {Bits: 2, Kind: "mse"}, {Bits: 1, Kind: "mse"}} {
		k := task(t, Options{LearnedRounding: true}, c)
		before := k.Params.Clone()
		r := run(t, k)
		for i := range before {
			if !slices.Equal(before[i].Data, k.Params[i].Data) {
				t.Fatal("the given parameters were changed")
			}
		}
		scaling, err := r.Quantized.Scaling()
		if err != nil {
			t.Fatal(err)
		}
		plain := run(t, task(t, Options{}, c))
		differ := 0
		for i, l := range k.Network.Layers {
			if !l.Weighted() {
				continue
			}
			w, b := r.Quantized.Params.Of(l.Name)
			old, _ := k.Params.Of(l.Name)
			codes, nearest := make([]float32, len(w)), make([]float32, len(w))
			scaling[i].WeightCodes(codes, w, len(b))
			scaling[i].WeightCodes(nearest, old, len(b))
			z := quantizerOf(r.Quantized, l.Name)
			for p, v := range scaling[i].FoldedWeights(w, len(b)) {
				q := z.Params(p / (len(w) / len(b)))
				// Off the grid by three roundings to float32 at most.
				if off := math.Abs(float64(v)/float64(q.Scale) - float64(codes[p])); off > 8*0x1p-23 {
					t.Fatalf("%+v: layer %q: weight %d is %v steps off the grid", c, l.Name, p, off)
				}
				if codes[p] != nearest[p] {
					differ++
				}
				if d := math.Abs(float64(codes[p] - nearest[p])); d > 1 && c.Bits > 1 || d > 2 {
					t.Fatalf("%+v: layer %q: weight %d became %v, nearest %v", c, l.Name, p, codes[p], nearest[p])
				}
			}
		}
		if differ == 0 {
			t.Errorf("%+v: every weight was rounded to nearest", c)
		}
		// The first layer's inputs are the same on both sides: never worse there.
		// At the output it is what learning is for.
		learnt, nearest := reconstruction(t, r, k.Images), reconstruction(t, plain, k.Images)
		if learnt["conv1"] > nearest["conv1"] || learnt["fc2"] > nearest["fc2"] {
			t.Errorf("%+v: relative errors %v, rounding to nearest %v", c, learnt, nearest)
		}
	}
}

// All options together, twice: the same result.
func TestRunRepeats(t *testing.T) {
	all := Options{Equalize: true, LearnedRounding: true, BiasCorrection: true}
	steps, last := 0, 0
	k := task(t, all, calibrate.WeightConfig{Bits: 3, Kind: "mse"})
	k.Progress = func(done, total int) { steps, last = steps+1, total }
	a, b := run(t, k), run(t, task(t, all, calibrate.WeightConfig{Bits: 3, Kind: "mse"}))
	for i := range a.Quantized.Params {
		if !slices.Equal(a.Quantized.Params[i].Data, b.Quantized.Params[i].Data) {
			t.Errorf("tensor %s differs between two runs", a.Quantized.Params[i].Name)
		}
	}
	if steps != last || steps == 0 {
		t.Errorf("%d steps of %d were shown", steps, last)
	}
}

func TestRunErrors(t *testing.T) {
	four := calibrate.WeightConfig{Bits: 4}
	for _, c := range []struct {
		options Options
		change  func(*Task)
		want    string
	}{
		{Options{BiasCorrection: true}, func(k *Task) { k.Images = k.Images.First(0) }, "calibration set is empty"},
		{Options{LearnedRounding: true}, func(k *Task) { k.Params[2].Data[1] = float32(math.NaN()) }, `tensor "conv2.weight": element 1 is NaN`},
		{Options{Equalize: true}, func(k *Task) { k.Config.Weights.PerChannel = true }, "ptq: equalize: weights.per_channel"},
		{Options{}, func(k *Task) { k.Config.Weights.Bits = 99 }, "ptq: weights.bits: 99 bits is outside 1..16"},
		{Options{}, func(k *Task) {
			k.Config.Weights = calibrate.WeightConfig{Bits: 1, Kind: "mse"}
			clear(k.Params[0].Data)
		}, `calibrate: layer "conv1": weights: every value is 0`},
	} {
		k := task(t, c.options, four)
		c.change(&k)
		if r, err := Run(context.Background(), k); err == nil || !strings.Contains(err.Error(), c.want) || r != nil {
			t.Errorf("%v, error %v, want one with %q", r, err, c.want)
		}
	}
	wide := Task{
		Network: &model.Network{Input: []int{1, 65, 65}, Layers: []model.Layer{
			{Type: model.Flatten, Name: "flat"}, {Type: model.Dense, Name: "fc", Units: 2},
		}},
		Config: config(), Options: Options{LearnedRounding: true}, Images: randomImages(2, 1, 65, 65),
	}
	var err error
	if wide.Params, err = wide.Network.Initialise(1); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), wide); err == nil || !strings.Contains(err.Error(), `ptq: layer "fc": learned rounding takes up to 4096 inputs an output, this layer has 4225`) {
		t.Errorf("error %v for a wide layer", err)
	}
}
