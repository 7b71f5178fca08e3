package sequence

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/model/sequence"
	qat "qtool/qat/sequence"
	train "qtool/train/sequence"
)

// lstm is a network of random weights, large enough that gates saturate.
func lstm(steps, inputs, hidden int, gates *sequence.Gates) *sequence.Network {
	return &sequence.Network{Cell: sequence.LSTM, Embedding: 6, Inputs: inputs, Hidden: hidden, Steps: steps, Gates: gates}
}

var cubic = sequence.Gates{Degree: 3, Radius: 4, Inside: 0.85}

func samples(steps, words, n int) []train.Sample {
	r := rand.New(rand.NewPCG(3, 4))
	all := make([]train.Sample, n)
	for i := range all {
		all[i].Steps = make([][]int32, steps)
		for t := range steps {
			for range r.IntN(4) {
				all[i].Steps[t] = append(all[i].Steps[t], int32(r.IntN(words)))
			}
		}
	}
	return all
}

func quantized(t *testing.T, n *sequence.Network, c qat.Config, seed uint64) *qat.Quantizer {
	t.Helper()
	const words = 30
	p, err := n.Initialise(words, seed)
	if err != nil {
		t.Fatal(err)
	}
	z, err := qat.Start(context.Background(), n, p, c, samples(n.Steps, words, 50))
	if err != nil {
		t.Fatal(err)
	}
	return z
}

var fourBits = qat.Config{WeightBits: 4, InputBits: 4, StateBits: 4, WeightKind: "mse", AccumulatorBits: 8, CellRange: 2}

// inputs are random bytes of the program's grid.
func inputs(n *sequence.Network, bits, count int) *datasets.Split {
	r := rand.New(rand.NewPCG(5, 6))
	s := &datasets.Split{Shape: []int{n.Steps, n.Inputs}}
	for range count * n.Steps * n.Inputs {
		s.Images = append(s.Images, uint8(r.IntN(1<<bits)))
	}
	s.Labels = make([]uint8, count)
	return s
}

// Fake quantization and the program agree in every logit, bit for bit.
func TestTableProgramHasNoDrift(t *testing.T) {
	for _, c := range []struct {
		steps, inputs, hidden, bits, cellRange, accumulator int
	}{{1, 1, 1, 4, 2, 8}, {5, 16, 16, 4, 2, 8}, {3, 5, 4, 4, 4, 7}, {8, 3, 6, 3, 1, 0}, {4, 7, 5, 5, 2, 9}, {2, 3, 2, 2, 2, 0}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			n := lstm(c.steps, c.inputs, c.hidden, nil)
			config := fourBits
			config.StateBits, config.InputBits, config.CellRange, config.AccumulatorBits = c.bits, c.bits, c.cellRange, c.accumulator
			z := quantized(t, n, config, uint64(c.hidden))
			drift(t, z, inputs(n, c.bits, 120), 0)
		})
	}
}

func TestMeanProgramHasNoDrift(t *testing.T) {
	n := &sequence.Network{Cell: sequence.Mean, Embedding: 6, Inputs: 5, Steps: 1}
	drift(t, quantized(t, n, fourBits, 1), inputs(n, 4, 200), 0)
}

// The program of polynomials rounds its states, fake quantization does not: they
// differ by less than a few units of 2^-Fraction a step.
func TestPolynomialProgram(t *testing.T) {
	for _, linear := range []bool{false, true} {
		gates := cubic
		gates.LinearOutput = linear
		n := lstm(4, 5, 6, &gates)
		z := quantized(t, n, qat.Config{WeightBits: 8, InputBits: 8, WeightKind: "minmax", Fraction: 16}, 2)
		drift(t, z, inputs(n, 6, 100), 1e-3)
	}
}

// drift compares logits; a tolerance of 0 asks for the same integers.
func drift(t *testing.T, z *qat.Quantizer, s *datasets.Split, tolerance float64) {
	t.Helper()
	q := z.Quantized()
	p, err := Program(q, text.Labels)
	if err != nil {
		t.Fatal(err)
	}
	e, err := train.NewServer(q.Network, q.Params, z)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	answers, err := e.Encoded(context.Background(), s, uint8(zero(q)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	if tolerance == 0 {
		drifts, err := Drift(q, p, s, answers)
		if err != nil {
			t.Fatal(err)
		}
		for k, d := range drifts {
			if d.Differ != 0 || !d.Exact {
				t.Errorf("node %q: %+v", p.Nodes[k].Name, d)
			}
		}
	}
	different := map[int64]bool{}
	for i := range s.Len() {
		v, err := r.Run(p.Input.Quantize(s.Image(i)), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, want := v.Small[1], float64(answers.Logits[i])/q.LogitScale()
		different[got] = true
		if v.Small[0] != -got {
			t.Fatalf("sentence %d: logits %v are not opposite", i, v)
		}
		if tolerance == 0 && float64(got) != math.RoundToEven(want) || math.Abs(float64(got)-want)*q.LogitScale() > max(tolerance, 1e-3*q.LogitScale()) {
			t.Fatalf("sentence %d: fake quantization says %v, the program %d", i, want, got)
		}
	}
	if len(different) < 2 {
		t.Error("all sentences have one logit: the test tests nothing")
	}
	if err := Observe(p, s); err != nil {
		t.Fatal(err)
	}
	b, err := (&bundle.File{Program: p}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Decode(b); err != nil {
		t.Fatal(err)
	}
}

// Every gate's accumulator keeps to the bound that was asked for.
func TestAccumulatorBound(t *testing.T) {
	n := lstm(2, 16, 16, nil)
	for _, bits := range []int{6, 8} {
		c := fourBits
		c.AccumulatorBits = bits
		p, err := Program(quantized(t, n, c, 1).Quantized(), text.Labels)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range p.Nodes[0].Op.(*bundle.Recurrent).Body {
			if l, ok := b.Op.(*bundle.LookupTable); ok && strings.HasPrefix(b.Inputs[0], "z") {
				for u, table := range l.Tables {
					if len(table.Values) > 1<<bits {
						t.Errorf("%s: table %d has %d entries, want %d", b.Name, u, len(table.Values), 1<<bits)
					}
				}
			}
		}
	}
}

// The client's integers are the codes of fake quantization, but where a sum lies so
// near to a tie that the unit of the vectors matters.
func TestEncoder(t *testing.T) {
	n := lstm(3, 4, 2, nil)
	z := quantized(t, n, fourBits, 7)
	q := z.Quantized()
	v := text.NewVocabulary([]text.Sentence{{Words: strings.Fields("a b c d e f g h i j k l m n o p q r s t u v w x y z aa bb cc dd")}}, nil, 1)
	s := text.Selection{Kind: "chunk", Steps: 3}
	e, err := Encoder(q, v, s, nil)
	if err != nil {
		t.Fatal(err)
	}
	sentence := text.Sentence{Words: strings.Fields("a z b y c x d w e v")}
	x, err := train.Inputs(context.Background(), n, q.Params, train.Samples([]text.Sentence{sentence}, v, s, nil))
	if err != nil {
		t.Fatal(err)
	}
	for i, b := range text.Split(e, []text.Sentence{sentence}).Images {
		if want := float64(x[i] / q.Quantizers.Input.Scale); math.Abs(min(max(want, -8), 7)-(float64(b)-8)) > 0.501 {
			t.Errorf("byte %d is %d, the input %v", i, b, want)
		}
	}
}

func TestProgramRefuses(t *testing.T) {
	n := lstm(2, 3, 2, nil)
	q := quantized(t, n, fourBits, 1).Quantized()
	n.Mask = true
	if _, err := Program(q, text.Labels); err == nil || !strings.Contains(err.Error(), "set mask to false") {
		t.Errorf("a network that masks padding: %v", err)
	}
	n.Mask = false
	if _, err := Program(q, []string{"one"}); err == nil {
		t.Error("one label was taken")
	}
	q.Quantizers.CellRange = 3
	if _, err := Program(q, text.Labels); err == nil {
		t.Error("a cell range of 3 was taken")
	}
}
