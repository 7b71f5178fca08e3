package export

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/calibrate"
	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/encode"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/train"
)

// knownWords is how many words the networks of these tests know.
const knownWords = 30

// reader is a network of random weights, large enough that gates saturate; without units
// it averages words.
func reader(steps, inputs, hidden int, gates *model.Gates) *model.Network {
	n := &model.Network{Input: []int{steps}, Layers: []model.Layer{
		{Type: model.Embedding, Name: "embedding", Units: 6, Words: knownWords}, {Type: model.Projection, Name: "projection", Units: inputs},
		{Type: model.LSTM, Name: "lstm", Units: hidden, Gates: gates}, {Type: model.Dropout, Name: "dropout", Rate: 0.5},
		{Type: model.Dense, Name: "output", Units: 1},
	}}
	if hidden == 0 {
		n.Layers[0].Combine = model.Mean
		n.Layers[2] = model.Layer{Type: model.Flatten, Name: "flatten"}
	}
	return n
}

var cubic = model.Gates{Degree: 3, Radius: 4, Inside: 0.85}

// sentences are random ones.
func sentences(steps, n int) *datasets.Split {
	r := rand.New(rand.NewPCG(3, 4))
	s := &datasets.Split{Shape: []int{steps}, Words: make([][][]int32, n), Labels: make([]uint8, n)}
	for i := range s.Words {
		s.Words[i] = make([][]int32, steps)
		for t := range steps {
			for range r.IntN(4) {
				s.Words[i][t] = append(s.Words[i][t], int32(r.IntN(knownWords)))
			}
		}
	}
	return s
}

func rounded(t *testing.T, n *model.Network, c calibrate.Config, seed uint64) *model.Quantized {
	t.Helper()
	p, err := n.Initialise(seed)
	if err != nil {
		t.Fatal(err)
	}
	q, err := ptq.Quantize(context.Background(), n, p, c, sentences(n.Steps(), 50))
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// bits is a configuration of tables.
func bits(input, state, cellRange, accumulator int) calibrate.Config {
	c := calibrate.Config{
		Weights: calibrate.WeightConfig{Bits: 4, Kind: "mse"}, Input: calibrate.InputConfig{Bits: input, Observer: "minmax"},
		Accumulator: calibrate.AccumulatorConfig{Bits: accumulator}, CellRange: cellRange, Images: 50,
	}
	c.Activations.Bits = state
	return c
}

// inputs are random bytes of the program's grid.
func inputs(n *model.Network, bits, count int) *datasets.Split {
	r := rand.New(rand.NewPCG(5, 6))
	size := n.Layers[1].Units
	s := &datasets.Split{Shape: []int{n.Steps(), size}}
	for range count * n.Steps() * size {
		s.Images = append(s.Images, uint8(r.IntN(1<<bits)))
	}
	s.Labels = make([]uint8, count)
	return s
}

// Fake quantization and the program agree in every logit, bit for bit.
func TestTableProgramHasNoMismatch(t *testing.T) {
	for _, c := range []struct {
		steps, inputs, hidden, bits, cellRange, accumulator int
	}{{1, 1, 1, 4, 2, 8}, {5, 16, 16, 4, 2, 8}, {3, 5, 4, 4, 4, 7}, {8, 3, 6, 3, 1, 0}, {4, 7, 5, 5, 2, 9}, {2, 3, 2, 2, 2, 0}, {2, 3, 3, 6, 2, 0}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			n := reader(c.steps, c.inputs, c.hidden, nil)
			mismatch(t, rounded(t, n, bits(c.bits, c.bits, c.cellRange, c.accumulator), uint64(c.hidden)), inputs(n, c.bits, 120), 0)
		})
	}
}

// The quantized network and the program of a GRU agree too, in every width.
func TestUnitProgramHasNoMismatch(t *testing.T) {
	for _, c := range []struct{ steps, inputs, hidden, bits, accumulator int }{
		{1, 1, 1, 4, 8}, {5, 16, 16, 4, 8}, {3, 5, 4, 2, 0}, {8, 3, 6, 3, 0}, {4, 7, 5, 5, 9}, {3, 4, 3, 6, 10}, {3, 4, 9, 6, 0},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			n := reader(c.steps, c.inputs, c.hidden, nil)
			n.Layers[2].Type = model.GRU
			mismatch(t, rounded(t, n, bits(max(c.bits, 2), c.bits, 0, c.accumulator), uint64(c.hidden)), inputs(n, c.bits, 120), 0)
		})
	}
}

func TestMeanProgramHasNoMismatch(t *testing.T) {
	n := reader(1, 5, 0, nil)
	mismatch(t, rounded(t, n, bits(4, 0, 0, 0), 1), inputs(n, 4, 200), 0)
}

// The program of polynomials rounds its states, fake quantization does not: they
// differ by less than a few units of 2^-Fraction a step.
func TestPolynomialProgram(t *testing.T) {
	for _, linear := range []bool{false, true} {
		gates := cubic
		gates.LinearOutput = linear
		n := reader(4, 5, 6, &gates)
		c := bits(8, 0, 0, 0)
		c.Weights, c.Fraction = calibrate.WeightConfig{Bits: 8}, 16
		mismatch(t, rounded(t, n, c, 2), inputs(n, 6, 100), 1e-3)
	}
}

// mismatch compares logits; a tolerance of 0 asks for the same integers.
func mismatch(t *testing.T, q *model.Quantized, s *datasets.Split, tolerance float64) {
	t.Helper()
	p, err := Program(q, text.Labels)
	if err != nil {
		t.Fatal(err)
	}
	mismatches, answers, err := Mismatches(context.Background(), q, p, s)
	if err != nil {
		t.Fatal(err)
	}
	if (mismatches == nil) != (tolerance > 0) {
		t.Errorf("mismatches %v", mismatches)
	}
	for k, d := range mismatches {
		if d.Differ != 0 || !d.Exact {
			t.Errorf("node %q: %+v", p.Nodes[k].Name, d)
		}
	}
	logits := served(t, q, s)
	r, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	scale := p.Nodes[len(p.Nodes)-1].Scale[0]
	different := map[int64]bool{}
	for i := range s.Len() {
		v, err := r.Run(p.Input.Sample(s.Tensor(i)).Vec(), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, want := v.Small[1], float64(logits[i])/scale
		different[got] = true
		if v.Small[0] != -got {
			t.Fatalf("sentence %d: logits %v are not opposite", i, v)
		}
		if tolerance == 0 && float64(got) != math.RoundToEven(want) || math.Abs(float64(got)-want)*scale > max(tolerance, 1e-3*scale) {
			t.Fatalf("sentence %d: fake quantization says %v, the program %d", i, want, got)
		}
		if answer := answers[i]; (answer == 1) != (logits[i] > 0) {
			t.Fatalf("sentence %d: answer %d of logit %v", i, answer, logits[i])
		}
	}
	if len(different) < 2 {
		t.Error("all sentences have one logit: the test tests nothing")
	}
	words := sentences(q.Network.Steps(), s.Len())
	sqnr, err := Observe(q, q.Params, p, words, s)
	if err != nil || len(sqnr) != len(p.Nodes) {
		t.Fatal(sqnr, err)
	}
	b, err := (&bundle.File{Program: p}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Decode(b); err != nil {
		t.Fatal(err)
	}
}

// served is what fake quantization answers to a client's bytes.
func served(t *testing.T, q *model.Quantized, s *datasets.Split) []float32 {
	t.Helper()
	zero := Zero(q)
	server, err := q.Server()
	if err != nil {
		t.Fatal(err)
	}
	z, err := qat.New(server)
	if err != nil {
		t.Fatal(err)
	}
	e, err := train.NewEvaluator(server.Network, server.Params, z)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	e.Reads = func(dst []float32, sample []uint8) {
		for i, b := range sample {
			dst[i] = float32(int64(b)-zero) * q.Input.Scale
		}
	}
	logits, err := e.Logits(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	return logits
}

// Of words in the clear, what the program answers is close to the float network, and the
// layers say how close.
func TestSQNROfSentences(t *testing.T) {
	for _, kind := range []model.Kind{model.LSTM, model.GRU} {
		t.Run(string(kind), func(t *testing.T) { sqnrOfSentences(t, kind) })
	}
}

func sqnrOfSentences(t *testing.T, kind model.Kind) {
	n := reader(3, 5, 6, nil)
	n.Layers[2].Type = kind
	c := bits(8, 6, 2, 0)
	c.Weights.Bits = 8
	q := rounded(t, n, c, 3)
	p, err := Program(q, text.Labels)
	if err != nil {
		t.Fatal(err)
	}
	words := sentences(3, 200)
	e, err := Encoder(q, vocabulary(), encode.Selection{Kind: "chunk", Steps: 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	sqnr, err := Observe(q, q.Params, p, words, text.Bytes(e, words))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range sqnr {
		if v < 15 || v > 60 {
			t.Errorf("%s: %v dB", p.Nodes[k].Name, v)
		}
	}
	coarse := rounded(t, n, bits(3, 3, 2, 0), 3)
	if p, err = Program(coarse, text.Labels); err != nil {
		t.Fatal(err)
	}
	if e, err = Encoder(coarse, vocabulary(), encode.Selection{Kind: "chunk", Steps: 3}, nil); err != nil {
		t.Fatal(err)
	}
	less, err := Observe(coarse, coarse.Params, p, words, text.Bytes(e, words))
	if err != nil {
		t.Fatal(err)
	}
	for k := range less {
		if less[k] > sqnr[k]-6 {
			t.Errorf("%s: %v dB of 3 bits, %v of more", p.Nodes[k].Name, less[k], sqnr[k])
		}
	}
}

func vocabulary() *encode.Vocabulary {
	return text.NewVocabulary([]text.Sentence{{Words: strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x y z aa bb cc dd")}}, nil, 1)
}

// A network of images may have one logit for two classes too.
func TestOneLogitOfImages(t *testing.T) {
	n := &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
		{Type: model.AvgPool, Name: "pool", Kernel: model.Both(4)}, {Type: model.Flatten, Name: "flat"},
		{Type: model.Dense, Name: "fc1", Units: 2}, {Type: model.Square, Name: "square"}, {Type: model.Dense, Name: "fc2", Units: 1},
	}}
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	w, b := p.Of("fc2")
	w[0], w[1], b[0] = 1, -1, 0
	s := images(t, 200)
	c := bits(2, 0, 0, 0)
	c.Weights.Bits = 2
	q, err := ptq.Quantize(context.Background(), n, p, c, s)
	if err != nil {
		t.Fatal(err)
	}
	program, err := Program(q, []string{"even", "odd"})
	if err != nil {
		t.Fatal(err)
	}
	mismatches, answers, err := Mismatches(context.Background(), q, program, s)
	if err != nil {
		t.Fatal(err)
	}
	for k, d := range mismatches {
		if d.Differ != 0 {
			t.Errorf("node %q: %+v", program.Nodes[k].Name, d)
		}
	}
	r, err := bundle.NewRunner(program)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for i, answer := range answers {
		v, err := r.Run(program.Input.Sample(s.Tensor(i)).Vec(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if v.Float(0) != -v.Float(1) || (answer == 1) != (v.Float(1) > 0) {
			t.Errorf("image %d: logits %v, answer %d", i, v, answer)
		}
		seen[answer] = true
	}
	if len(seen) != 2 {
		t.Errorf("answers %v: the test tests nothing", seen)
	}
}

// Every gate's accumulator keeps to the bound that was asked for.
func TestAccumulatorBound(t *testing.T) {
	n := reader(2, 16, 16, nil)
	for _, width := range []int{6, 8} {
		p, err := Program(rounded(t, n, bits(4, 4, 2, width), 1), text.Labels)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Nodes[0].Op.(*bundle.Recurrent).Body {
			if l, ok := b.Op.(*bundle.LookupTable); ok && strings.HasPrefix(b.Inputs[0], "z") {
				for u, table := range l.Tables {
					if len(table.Values) > 1<<width {
						t.Errorf("%s: table %d has %d entries, want %d", b.Name, u, len(table.Values), 1<<width)
					}
				}
			}
		}
	}
}

// The client's integers are the codes of fake quantization, but where a sum lies so
// near to a tie that the unit of the vectors matters.
func TestEncoder(t *testing.T) {
	for _, projected := range []bool{true, false} {
		n := reader(3, 4, 2, nil)
		if !projected {
			n.Layers = append(n.Layers[:1:1], n.Layers[2:]...)
		}
		q := rounded(t, n, bits(4, 4, 2, 8), 7)
		s := encode.Selection{Kind: "chunk", Steps: 3}
		e, err := Encoder(q, vocabulary(), s, nil)
		if err != nil {
			t.Fatal(err)
		}
		sentence := []text.Sentence{{Words: strings.Fields("a z b y c x d w e v")}}
		samples := text.Samples(sentence, vocabulary(), s, nil)
		var x []float32
		for _, row := range n.Entered(q.Params, samples.Words[0]) {
			x = append(x, row...)
		}
		bytes := text.Bytes(e, samples).Images
		again, err := e.Sentence("a z b y c x d w e v")
		if err != nil || string(again.Bytes) != string(bytes) {
			t.Errorf("a sentence as it is typed makes other bytes: %v", err)
		}
		for i, b := range bytes {
			if want := float64(x[i] / q.Input.Scale); math.Abs(min(max(want, -8), 7)-(float64(b)-8)) > 0.501 {
				t.Errorf("byte %d is %d, the input %v", i, b, want)
			}
		}
	}
}

func TestProgramRefuses(t *testing.T) {
	n := reader(2, 3, 2, nil)
	q := rounded(t, n, bits(4, 4, 2, 8), 1)
	n.Layers[2].Mask = true
	if _, err := Program(q, text.Labels); err == nil || !strings.Contains(err.Error(), "set mask to false") {
		t.Errorf("a network that masks padding: %v", err)
	}
	n.Layers[2].Mask = false
	if _, err := Program(q, []string{"a", "b", "c"}); err == nil {
		t.Error("three labels were taken")
	}
	q.Recurrent[0].CellRange = 3
	if _, err := Program(q, text.Labels); err == nil {
		t.Error("a cell range of 3 was taken")
	}
	mean := reader(1, 3, 0, nil)
	mean.Layers[3] = model.Layer{Type: model.Square, Name: "square"}
	if _, err := Program(rounded(t, mean, bits(4, 0, 0, 0), 1), text.Labels); err == nil || !strings.Contains(err.Error(), "put a dense layer") {
		t.Errorf("a square of the vectors themselves: %v", err)
	}
}
