package report

import (
	"math/rand/v2"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/export"
	"qtool/he"
	"qtool/model"
	"qtool/quant"
	"qtool/verify"
)

// Names as a hostile or careless author would write them: markup, quotes, and
// words too long for a phone.
const (
	hostileRecipe = `x</style><script>alert("1")</script>"'&{{.}}` + "\u202e"
	hostileLayer  = `<img src=x onerror=alert(1)>_a_layer_with_a_name_that_no_phone_has_room_for_and_no_space_to_break_it`
	hostileLabel  = `<b>&"zero"</b>`
)

const sampleImages = 60

// sample is a whole run of a tiny network on noise: every section has data.
func sample(t *testing.T) Input {
	t.Helper()
	net := &model.Network{Input: []int{1, 6, 6}, Layers: []model.Layer{
		{Type: model.Conv, Name: hostileLayer, Channels: 2, Kernel: model.Both(3)},
		{Type: model.Square, Name: "square"},
		{Type: model.AvgPool, Name: "pool", Kernel: model.Both(2)},
		{Type: model.Flatten, Name: "flatten"},
		{Type: model.Dense, Name: "fc", Units: 3},
	}}
	params, err := net.Initialise(7)
	if err != nil {
		t.Fatal(err)
	}
	q := &model.Quantized{
		Network: net, Params: params, Input: quant.Params{Scale: 1.0 / 15, Bits: 4},
		Weights: []model.WeightQuantizer{{Layer: hostileLayer, Bits: 4}, {Layer: "fc", Bits: 8}},
	}
	_, err = q.Calibrate(func(o model.Observation) ([]float32, error) {
		largest := float32(0)
		for _, x := range o.Folded {
			largest = max(largest, x, -x)
		}
		levels := map[string]float32{hostileLayer: 7, "fc": 127}[o.Layer.Name]
		return []float32{largest / levels}, nil
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	program, err := export.Program(q, []string{hostileLabel, "1", "2"})
	if err != nil {
		t.Fatal(err)
	}
	test := noise(sampleImages+5, net.Input)
	sqnr, err := export.Observe(q, q.Params, program, test.First(20), test.First(20))
	if err != nil {
		t.Fatal(err)
	}
	p := model.Provenance{Recipe: hostileRecipe, RecipeSHA256: "aa", Dataset: "noise", DatasetSHA256: "dd", Seed: 3}
	in := Input{
		Report: sampleReport(t, program, test, sqnr),
		Bundle: &bundle.File{Program: program, Provenance: bundle.Provenance{
			Recipe: hostileRecipe, RecipeSHA256: "aa", Dataset: "noise", DatasetSHA256: "dd", Seed: 3, FloatSHA256: "f0", QuantizedSHA256: "f1",
		}},
		Float:     &model.Checkpoint{Network: net, Params: params, Provenance: p},
		Quantized: &model.Checkpoint{Network: net, Params: params, Quantizers: &model.Quantizers{Input: q.Input, Weights: q.Weights}, Provenance: p},
		Test:      test, Calibration: test.First(20),
		Recipe: "name: " + hostileRecipe + "\n" + strings.Repeat("long_key_", 40) + ": 1\n",
	}
	for _, stage := range []string{"float", "qat"} {
		in.Training = append(in.Training, Training{Stage: stage, Best: 2, Seconds: 3, Epochs: []Epoch{{1, 1.5, 0.4, 0.38}, {2, 0.7, 0.6, 0.55}, {3, 0.6, 0.7, 0.5}}})
	}
	return in
}

// noise is n images of random bytes.
func noise(n int, shape []int) *datasets.Split {
	r := rand.New(rand.NewPCG(1, 2))
	s := &datasets.Split{Images: make([]uint8, n*shape[0]*shape[1]*shape[2]), Labels: make([]uint8, n), Shape: shape}
	for i := range s.Images {
		s.Images[i] = uint8(r.IntN(256))
	}
	for i := range s.Labels {
		s.Labels[i] = uint8(i % 3)
	}
	return s
}

// sampleReport answers the images by the integer program; the encrypted stage
// gives the same logits, the float one disagrees on two images.
func sampleReport(t *testing.T, p *bundle.Program, test *datasets.Split, sqnr []float64) *verify.Report {
	t.Helper()
	runner, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	ladder := verify.Ladder{Output: p.Output(), Labels: test.Labels[:sampleImages]}
	for i := range sampleImages {
		logits, err := runner.Run(p.Input.Quantize(test.Image(i)), nil)
		if err != nil {
			t.Fatal(err)
		}
		ladder.Integer = append(ladder.Integer, logits)
		answer := p.Output().Argmax(logits)
		ladder.Quantized = append(ladder.Quantized, answer)
		if i == 4 || i == 40 {
			answer = (answer + 1) % 3
		}
		ladder.Float = append(ladder.Float, answer)
	}
	ladder.Encrypted = he.Exact(ladder.Integer)
	c, err := ladder.Compare()
	if err != nil {
		t.Fatal(err)
	}
	seconds := []float64{1, 2, 0.5, 0, 0.25}
	r := &verify.Report{
		Schema: verify.ReportSchema, Recipe: hostileRecipe, Seed: 3, Dataset: "noise", DatasetSHA256: "dd", BundleSHA256: "bb",
		Images: sampleImages, TestImages: sampleImages,
		Backend: &verify.Backend{NoiseBitsLeft: 12, Backend: he.Backend{
			Name: "bgv", LogN: 13, LogQP: 171, PlaintextModuli: []uint64{65537}, CiphertextModuli: []uint64{1<<40 + 1}, SecurityBits: 128,
			PredictedBits: 9, Slots: 8192, Why: []string{`the output <fc> needs "20" bits`},
		}},
		Seconds: verify.Seconds{Train: 5, Quantize: 130, Integer: 0.01, Keygen: 0.1, Encrypt: 1, Evaluate: 4000, Decrypt: 0.2},
		Bytes:   verify.Bytes{Bundle: 1234, CiphertextIn: 5 << 20, CiphertextOut: 3 << 10},
		Layers:  verify.Layers(p, seconds, sqnr), Versions: map[string]string{"qtool": "0", "go": "1", "b": "2", "a": "3"},
	}
	for i, n := range p.Nodes {
		r.Backend.Budget = append(r.Backend.Budget, he.StageBudget{Layer: n.Name, BitsLeft: 100 - 20*float64(i), LogQ: 171})
	}
	r.Apply(c)
	return r
}
