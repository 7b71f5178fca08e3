package ptq

import (
	"context"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"qtool/approx"
	"qtool/datasets"
	"qtool/model"
)

// measured is one input through fc1 (weight 2, bias -1), two unfitted
// functions with a layer between, and an output.
func measured(percentile float64, method string) (*model.Network, model.Parameters) {
	act := func(name string) model.Layer {
		return model.Layer{Type: model.Polynomial, Name: name, Approximates: model.Sigmoid, Degree: 3, Method: method, Percentile: percentile, Trainable: name == "act2"}
	}
	n := &model.Network{Input: []int{1}, Layers: []model.Layer{
		{Type: model.Dense, Name: "fc1", Units: 1}, act("act1"), {Type: model.Dense, Name: "fc2", Units: 1}, act("act2"), {Type: model.Dense, Name: "fc3", Units: 2},
	}}
	return n, model.Parameters{
		{Name: "fc1.weight", Shape: []int{1, 1}, Data: []float32{10}}, {Name: "fc1.bias", Shape: []int{1}, Data: []float32{-6}},
		{Name: "fc2.weight", Shape: []int{1, 1}, Data: []float32{8}}, {Name: "fc2.bias", Shape: []int{1}, Data: []float32{-2}},
		{Name: "fc3.weight", Shape: []int{2, 1}, Data: []float32{1, -1}}, {Name: "fc3.bias", Shape: []int{2}, Data: []float32{0, 0}},
	}
}

// ramp are images of one pixel, 0 to 255.
func ramp() *datasets.Split {
	s := &datasets.Split{Shape: []int{1}}
	for i := range 256 {
		s.Images, s.Labels = append(s.Images, uint8(i)), append(s.Labels, 0)
	}
	return s
}

func TestApproximate(t *testing.T) {
	n, p := measured(100, "minimax")
	got, q, err := Approximate(context.Background(), n, p, ramp(), 1000)
	if err != nil {
		t.Fatal(err)
	}
	// fc1 maps [0, 1] to [-6, 4].
	first := got.Layers[1]
	if !near(first.Interval[0], -6) || !near(first.Interval[1], 4) {
		t.Errorf("interval %v, want [-6, 4]", first.Interval)
	}
	want, err := approx.Fit("sigmoid", approx.Minimax, 3, approx.Interval{Lo: first.Interval[0], Hi: first.Interval[1]})
	if err != nil || !reflect.DeepEqual(first.Coefficients, want.Coefficients) {
		t.Errorf("coefficients %v, want %v (%v)", first.Coefficients, want.Coefficients, err)
	}
	// The second is measured with the first polynomial in place: every value of
	// it, not of the sigmoid.
	lo, hi := math.Inf(1), math.Inf(-1)
	for i := range 256 {
		z := 8*first.Apply(10*float64(float32(i)/255)-6) - 2
		lo, hi = math.Min(lo, z), math.Max(hi, z)
	}
	second := got.Layers[3]
	if !near(second.Interval[0], lo) || !near(second.Interval[1], hi) || hi-lo == 0 {
		t.Errorf("interval %v, want [%v, %v]", second.Interval, lo, hi)
	}
	if err := q.Check(got); err != nil {
		t.Error(err)
	}
	if q.Coefficients("act2") == nil || q.Coefficients("act1") != nil {
		t.Error("the parameters are not those of the network")
	}
	if n.Layers[1].Coefficients != nil {
		t.Error("the given network changed")
	}
	// Fewer images, a smaller interval: pixels 0 to 99.
	if got, _, err = Approximate(context.Background(), n, p, ramp(), 100); err != nil || !near(got.Layers[1].Interval[1], 10*99.0/255-6) {
		t.Errorf("interval %v, %v", got.Layers[1].Interval, err)
	}
	// Percentile 90 of 256 values leaves out ranks below 25 and above 230.
	n, p = measured(90, "histogram")
	if got, _, err = Approximate(context.Background(), n, p, ramp(), 1000); err != nil {
		t.Fatal(err)
	}
	if iv := got.Layers[1].Interval; !near(iv[0], 10*25.0/255-6) || !near(iv[1], 10*230.0/255-6) {
		t.Errorf("interval %v of percentile 90", iv)
	}
	// The ramp is a uniform density: least squares, but for 206 values in 256
	// bins, an end of which may be empty: 1/206 of a weight that moves the fit by
	// less than its slope there.
	want, err = approx.Fit("sigmoid", approx.LeastSquares, 3, approx.Interval{Lo: got.Layers[1].Interval[0], Hi: got.Layers[1].Interval[1]})
	if err != nil {
		t.Fatal(err)
	}
	for x := -5.0; x <= 3; x++ {
		if d := got.Layers[1].Apply(x) - want.Eval(x); math.Abs(d) > 5e-3 {
			t.Errorf("histogram fit is %v off least squares at %v", d, x)
		}
	}
	// Nothing to measure: the very same network.
	fitted := got
	if again, _, err := Approximate(context.Background(), fitted, q, ramp(), 10); err != nil || again != fitted {
		t.Errorf("%v, %v", again, err)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-5 }

func TestApproximateErrors(t *testing.T) {
	for _, c := range []struct {
		change func(n *model.Network, p model.Parameters)
		images *datasets.Split
		want   string
	}{
		{func(_ *model.Network, p model.Parameters) { p[0].Data[0] = 0 }, ramp(), `ptq: layer "act1": approx: interval [-6, -6]: its width 0 is below`},
		{func(_ *model.Network, p model.Parameters) { p[1].Data[0] = 1e30 }, ramp(), `ptq: layer "act1": approx: interval`},
		{func(n *model.Network, _ model.Parameters) { n.Layers[1].Method = "pade" }, ramp(), `ptq: layer "act1": approx: method "pade"`},
		{func(*model.Network, model.Parameters) {}, ramp().First(0), `ptq: layer "act1": no sample to measure its inputs`},
		{func(_ *model.Network, p model.Parameters) { p[0].Data[0] = float32(math.NaN()) }, ramp(), `ptq: layer "act1": input NaN is not finite`},
	} {
		n, p := measured(100, "minimax")
		n.Layers = slices.Clone(n.Layers)
		c.change(n, p)
		got, _, err := Approximate(context.Background(), n, p, c.images, 100)
		if got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}
