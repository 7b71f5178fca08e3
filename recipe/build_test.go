package recipe

import (
	"reflect"
	"strings"
	"testing"

	"qtool/approx"
)

// fitted is minimal with a polynomial in the place of its square.
func fitted(keys string) string {
	return strings.Replace(minimal, "{type: square, name: square1}", "{type: polynomial, name: act1, "+keys+"}", 1)
}

const cubic = "approximates: sigmoid, degree: 3, method: minimax"

func TestBuild(t *testing.T) {
	r := parse(t, fitted(cubic+", interval: [-4, 4], trainable: true"))
	roundTrip(t, r)
	n, err := r.Build()
	if err != nil {
		t.Fatal(err)
	}
	want, err := approx.Fit("sigmoid", approx.Minimax, 3, approx.Interval{Lo: -4, Hi: 4})
	if err != nil {
		t.Fatal(err)
	}
	l := n.Layers[1]
	if !reflect.DeepEqual(l.Coefficients, want.Coefficients) || !l.Trainable {
		t.Errorf("layer %+v, want coefficients %v", l, want.Coefficients)
	}
	if r.Network.Layers[1].Coefficients != nil {
		t.Error("building changed the recipe")
	}
	// An override changes the fit with it.
	r, err = override(r, []string{"network.layers.act1.degree=5", "network.layers.act1.interval=[-2, 3]"})
	if err != nil {
		t.Fatal(err)
	}
	if n, err = r.Build(); err != nil || len(n.Layers[1].Coefficients) != 6 {
		t.Errorf("%+v, %v", n, err)
	}
	r = parse(t, fitted(cubic+", percentile: 99.9")+"quantize: {finetune: {overflow_penalty: 2}}\n")
	roundTrip(t, r)
	if n, err = r.Build(); err != nil || n.Layers[1].Coefficients != nil {
		t.Errorf("%+v, %v", n, err)
	}
	parse(t, fitted("coefficients: [0, 0.5, 0.25], interval: [-1, 1]")+"train: {overflow_penalty: 2}\n")
}

func TestBuildErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{fitted(cubic), `network: calibrate: layer "act1": want either interval or percentile`},
		{fitted(cubic + ", interval: [-4, 4], percentile: 99"), "want either interval or percentile"},
		{fitted(cubic + ", interval: [-4, 4], coefficients: [0, 1]"), "coefficients follow from approximates sigmoid"},
		{fitted(cubic + ", interval: [4, -4]"), "interval [4, -4]: its width"},
		{fitted(cubic + ", interval: wide"), "[7:"},
		{fitted(strings.Replace(cubic, "3", "2", 1) + ", interval: [-4, 4]"), "no term above degree 1"},
		{fitted(strings.Replace(cubic, "sigmoid", "gelu", 1) + ", percentile: 99"), `layer "act1" (polynomial): approximates "gelu": want tanh`},
		{fitted(cubic + ", percentile: 20"), "percentile 20 is outside (50, 100]"},
		{fitted("degree: 3"), "degree, method and percentile need approximates"},
		{fitted(cubic + ", intervall: [-4, 4]"), "unknown field \"intervall\""},
		{fitted(cubic+", percentile: 99") + "quantize: {method: none}\n", `layer "act1": its percentile is measured for quantization`},
		{fitted(cubic+", percentile: 99") + "train: {overflow_penalty: 1}\n", "train.overflow_penalty: 1, but no polynomial"},
		{fitted(cubic+", percentile: 99") + "quantize: {method: ptq, finetune: {overflow_penalty: 1}}\n", "quantize.finetune.overflow_penalty: it is for quantize.method qat"},
		{minimal + "train: {overflow_penalty: 1}\n", "train.overflow_penalty: 1, but no polynomial"},
		{minimal + "quantize: {finetune: {overflow_penalty: -1}}\n", "overflow_penalty: -1 is outside"},
	} {
		_, err := Parse([]byte(c.text))
		wantError(t, c.text[max(0, len(c.text)-60):], err, c.want)
	}
}
