package train_test

import (
	"context"
	"math"
	"testing"

	"qtool/calibrate"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
)

// polynomialTask is the small network with a trainable cubic that is meant for
// [-1, 1.5], and a penalty for leaving it.
func polynomialTask(t testing.TB, seed uint64) train.Task {
	t.Helper()
	k := task(t, seed)
	k.Network.Layers[2] = model.Layer{
		Type: model.Polynomial, Name: "cubic", Coefficients: []float64{0.1, 0.5, 0.25, -0.1}, Interval: []float64{-1, 1.5}, Trainable: true,
	}
	var err error
	if k.Params, err = k.Network.Initialise(seed); err != nil {
		t.Fatal(err)
	}
	k.Config.OverflowPenalty = 0.5
	return k
}

// inputsOf are the values that come into layer i, by model.Forward.
func inputsOf(t *testing.T, k train.Task, i int) []float64 {
	t.Helper()
	var all []float64
	for j := range k.Train.Len() {
		x := make([]float32, len(k.Train.Image(j)))
		for n, b := range k.Train.Image(j) {
			x[n] = float32(b) / 255
		}
		outs, err := k.Network.Forward(k.Params, x)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, outs[i-1]...)
	}
	return all
}

// The whole loss and the gradient of the coefficients, against the plain
// definition and its central differences.
func TestPolynomialLoss(t *testing.T) {
	k := polynomialTask(t, 1)
	k.Train = k.Train.First(31) // two shards, one of them padded
	k.Config.Augment.Rotation, k.Config.Augment.Shift = 0, 0
	for i := range k.Params[0].Data {
		k.Params[0].Data[i] *= 4 // so that some inputs leave the interval
	}
	loss := func() float64 {
		l, _ := plainLoss(t, k)
		sum := 0.0
		z := inputsOf(t, k, 2)
		for _, v := range z {
			sum += math.Pow(math.Max(v-1.5, 0), 2) + math.Pow(math.Max(-1-v, 0), 2)
		}
		if sum == 0 {
			t.Fatal("nothing leaves the interval")
		}
		return l + 0.5*sum/float64(len(z))
	}
	got, grads, err := train.Gradients(k)
	if err != nil {
		t.Fatal(err)
	}
	if want := loss(); math.Abs(got-want) > 1e-5*want {
		t.Errorf("loss %v, want %v", got, want)
	}
	// Of the first layer too: the penalty's gradient reaches it alone through z.
	for _, name := range []string{"cubic.coefficients", "conv.weight", "conv.bias"} {
		for i := range k.Params {
			if k.Params[i].Name != name {
				continue
			}
			for j := range min(6, len(k.Params[i].Data)) {
				const step = 0x1p-12
				v := &k.Params[i].Data[j]
				keep := *v
				*v = keep + step
				above := loss()
				*v = keep - step
				below := loss()
				*v = keep
				want := (above - below) / (2 * step)
				// float32 sums of 31*108 products, and step^2 of third derivatives.
				if g := float64(grads[name][j]); math.Abs(g-want) > 2e-5*math.Max(1, math.Abs(want)) {
					t.Errorf("gradient of %s[%d] is %v, central difference %v", name, j, g, want)
				}
			}
		}
	}
}

// On a fine grid the quantized network's gradients and loss are the float one's.
func TestQuantizedPolynomialGradient(t *testing.T) {
	for _, perChannel := range []bool{false, true} {
		k := polynomialTask(t, 2)
		k.Train = k.Train.First(40)
		k.Config.Augment.Rotation, k.Config.Augment.Shift = 0, 0
		for i := range k.Params[0].Data {
			k.Params[0].Data[i] *= 4
		}
		loss, want, err := train.Gradients(k)
		if err != nil {
			t.Fatal(err)
		}
		c := calibrate.Config{
			Weights: calibrate.WeightConfig{Bits: 14, PerChannel: perChannel},
			Input:   calibrate.InputConfig{Bits: 14, Observer: "minmax"}, Images: 40,
		}
		q, err := ptq.Quantize(context.Background(), k.Network, k.Params, c, k.Train)
		if err != nil {
			t.Fatal(err)
		}
		if k.Quantizer, err = qat.New(q); err != nil {
			t.Fatal(err)
		}
		quantized, got, err := train.Gradients(k)
		if err != nil {
			t.Fatal(err)
		}
		in, out := outside(t, k, nil), outside(t, k, k.Quantizer)
		if math.Abs(in.Smallest-out.Smallest)+math.Abs(in.Largest-out.Largest) > 2e-3 || math.Abs(in.Fraction()-out.Fraction()) > 2e-3 || in.Fraction() == 0 {
			t.Errorf("per channel %v: inputs %+v, in float %+v", perChannel, out, in)
		}
		if math.Abs(quantized-loss) > 1e-3*loss {
			t.Errorf("per channel %v: loss %v, in float %v", perChannel, quantized, loss)
		}
		for name := range want {
			largest := 0.0
			for _, v := range want[name] {
				largest = math.Max(largest, math.Abs(float64(v)))
			}
			for j, v := range want[name] {
				if math.Abs(float64(got[name][j]-v)) > 2e-3*largest {
					t.Errorf("per channel %v: gradient of %s[%d] is %v, in float %v", perChannel, name, j, got[name][j], v)
				}
			}
		}
	}
}

// outside is how the inputs of the task's polynomial lie to its interval.
func outside(t *testing.T, k train.Task, q train.Quantizer) train.Outside {
	t.Helper()
	e, err := train.NewEvaluator(k.Network, k.Params, q)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	all, err := e.Outside(context.Background(), k.Train)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	return all[0]
}

// Training moves the coefficients, and the penalty keeps inputs inside.
func TestPenaltyKeepsInside(t *testing.T) {
	fractions := map[float64]float64{}
	for _, penalty := range []float64{0, 50} {
		k := polynomialTask(t, 1)
		for i := range k.Params[0].Data {
			k.Params[0].Data[i] *= 4 // start outside
		}
		k.Config.OverflowPenalty = penalty
		r := fit(t, k)
		theta := r.Params.Coefficients("cubic")
		for j, v := range k.Params.Coefficients("cubic") {
			if theta[j] == v {
				t.Errorf("penalty %v: coefficient %d stayed %v", penalty, j, v)
			}
		}
		k.Params = r.Params
		got := outside(t, k, nil)
		// Counted again by the plain definition.
		want := train.Outside{Layer: "cubic", Interval: [2]float64{-1, 1.5}, Images: k.Train.Len(), Smallest: math.Inf(1), Largest: math.Inf(-1)}
		for _, z := range inputsOf(t, k, 2) {
			want.Values++
			if z < -1 || z > 1.5 {
				want.Outside++
			}
			want.Smallest, want.Largest = math.Min(want.Smallest, z), math.Max(want.Largest, z)
		}
		if math.Abs(got.Smallest-want.Smallest)+math.Abs(got.Largest-want.Largest) > 1e-5 {
			t.Errorf("inputs in [%v, %v], want [%v, %v]", got.Smallest, got.Largest, want.Smallest, want.Largest)
		}
		got.Smallest, got.Largest = want.Smallest, want.Largest
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		fractions[penalty] = got.Fraction()
	}
	if !(fractions[0] > 0.02 && fractions[50] < fractions[0]/4) {
		t.Errorf("share of inputs outside, by penalty: %v", fractions)
	}
}
