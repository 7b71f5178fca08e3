package model

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"qtool/internal/edits"
	"qtool/internal/safetensors"
	"qtool/quant"
)

// reader is a small network that reads words.
func reader() *Network {
	return &Network{Input: []int{4}, Layers: []Layer{
		{Type: Embedding, Name: "embedding", Units: 5, Words: 3, Rate: 0.1}, {Type: Projection, Name: "projection", Units: 3},
		{Type: LSTM, Name: "lstm", Units: 2}, {Type: Dropout, Name: "dropout", Rate: 0.1}, {Type: Dense, Name: "output", Units: 1},
	}}
}

func readerCheckpoint(t testing.TB) *Checkpoint {
	t.Helper()
	n := reader()
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	return &Checkpoint{
		Network: n, Params: p, Words: []string{"a", "b", "c"}, Scores: []float32{1, -1, 0},
		Quantizers: &Quantizers{
			Input: quant.Params{Scale: 0.25, Bits: 4, Signed: true},
			Weights: []WeightQuantizer{
				{Layer: "lstm", Bits: 4, Scales: []float32{1, 2, 1, 1, 1, 1, 1, 0.5}}, {Layer: "output", Bits: 4, Scales: []float32{0.1}},
			},
			Recurrent: []RecurrentQuantizer{{Layer: "lstm", StateBits: 4, CellRange: 2}},
		},
		Provenance: Provenance{Recipe: "r", Stage: "qat"},
	}
}

func TestSequenceShapes(t *testing.T) {
	n := reader()
	shapes, err := n.Shapes()
	if want := [][]int{{4, 5}, {4, 3}, {2}, {2}, {1}}; err != nil || !reflect.DeepEqual(shapes, want) {
		t.Errorf("%v, %v, want %v", shapes, err, want)
	}
	s, err := n.Server()
	if err != nil || n.Entry() != 1 || !reflect.DeepEqual(s.Input, []int{4, 3}) || len(s.Layers) != 3 || s.Entry() != Input {
		t.Errorf("server %+v, %v", s, err)
	}
	n.Layers[2].From = Names{"projection"}
	if s, err = n.Server(); err != nil || !reflect.DeepEqual(s.Layers[0].From, Names{InputName}) {
		t.Errorf("server %+v, %v", s, err)
	}
	for _, c := range []struct {
		change func(*Network)
		want   string
	}{
		{func(n *Network) { n.Layers[2].Units = 0 }, `layer "lstm" (lstm): units 0 is outside 1..1024`},
		{func(n *Network) { n.Layers[1].Units = 2000 }, `layer "projection" (projection): units 2000`},
		{func(n *Network) { n.Layers[0].Units = -1 }, `layer "embedding" (embedding): units -1`},
		{func(n *Network) { n.Layers[0].Combine = "max" }, `combine "max" is unknown`},
		{func(n *Network) { n.Layers[0].WordDropout = 1 }, "word_dropout 1"},
		{func(n *Network) { n.Input = []int{300} }, "300 steps are more than 256"},
		{func(n *Network) { n.Input = []int{1, 4, 4} }, "want [steps] of a sentence"},
		{func(n *Network) { n.Layers[2] = Layer{Type: Flatten, Name: "f"} }, "put an lstm or a gru before it"},
		{func(n *Network) { n.Layers[2].Gates = &Gates{Degree: 3, Radius: math.NaN(), Inside: 1} }, "gates.radius"},
		{func(n *Network) { n.Layers[2].Gates = &Gates{Degree: 3, Radius: 4} }, "gates.inside"},
		{func(n *Network) { n.Layers[2].Gates = &Gates{Degree: 30, Radius: 4, Inside: 1} }, "gates.degree"},
		{func(n *Network) { n.Layers[1].Mask = true }, `key "mask" does not belong`},
		{func(n *Network) { n.Layers[0], n.Layers[1] = n.Layers[1], n.Layers[0] }, "want the [steps, size] of an embedding"},
		{func(n *Network) {
			n.Layers = append(n.Layers[:3:3], Layer{Type: LSTM, Name: "other", Units: 2, From: Names{"embedding"}},
				Layer{Type: Concat, Name: "both", From: Names{"lstm", "other"}}, Layer{Type: Dense, Name: "output", Units: 1})
		}, `layer "other" (lstm): it reads what stands before "projection"`},
		{func(n *Network) { n.Layers[1].From = Names{"input"} }, "want the [steps, size] of an embedding"},
	} {
		n := reader()
		c.change(n)
		if _, err := n.Shapes(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want an error with %q", err, c.want)
		}
	}
	n = reader()
	n.Layers[0].Words = 0 // as a recipe has it
	if _, err := n.Shapes(); err != nil {
		t.Error(err)
	}
	if _, err := n.Initialise(1); err == nil || !strings.Contains(err.Error(), "how many words it has is not known") {
		t.Error(err)
	}
}

func TestUndropped(t *testing.T) {
	n := reader()
	n.Layers[4].From = Names{"dropout"}
	want := reader()
	want.Layers[0].Rate = 0
	want.Layers[4].From = Names{"lstm"}
	want.Layers = append(want.Layers[:3], want.Layers[4])
	if got := n.Undropped(); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
}

func TestReaderCheckpoint(t *testing.T) {
	c := readerCheckpoint(t)
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodeCheckpoint(b)
	if err != nil || !reflect.DeepEqual(again, c) {
		t.Fatalf("%+v, %v", again, err)
	}
	for _, change := range []func(*Checkpoint){
		func(c *Checkpoint) { c.Words = c.Words[1:] }, func(c *Checkpoint) { c.Scores = nil },
		func(c *Checkpoint) { c.Scores[1] = float32(math.Inf(1)) },
		func(c *Checkpoint) { c.Params = c.Params[1:] }, func(c *Checkpoint) { c.Params[2].Data[0] = float32(math.NaN()) },
	} {
		c := readerCheckpoint(t)
		change(c)
		if _, err := c.Encode(); err == nil {
			t.Errorf("%+v was written", c)
		}
	}
	for want, change := range map[string]func(*Quantizers){
		"scale":           func(q *Quantizers) { q.Weights[0].Scales[0] = 0 },
		"7 scales":        func(q *Quantizers) { q.Weights[0].Scales = q.Weights[0].Scales[1:] },
		"states of 9":     func(q *Quantizers) { q.Recurrent[0].StateBits = 9 },
		"cell range 3":    func(q *Quantizers) { q.Recurrent[0].CellRange = 3 },
		"no quantizer":    func(q *Quantizers) { q.Recurrent = nil },
		"input quantizer": func(q *Quantizers) { q.Input.Signed = false },
	} {
		c := readerCheckpoint(t)
		change(c.Quantizers)
		if _, err := c.Quantized(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
	if _, err := DecodeCheckpoint(b[:len(b)-1]); err == nil {
		t.Error("a cut checkpoint was read")
	}
}

// Checkpoints that earlier versions wrote of networks that read sentences are read as
// networks of layers, and written anew.
func TestSequenceFiles(t *testing.T) {
	files, err := filepath.Glob("testdata/sentence-*.safetensors")
	if err != nil || len(files) != 4 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, name := range files {
		c, err := ReadCheckpoint(name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.Network.Layers[0].Words != len(c.Words) || len(c.Words) < 5 || c.Provenance.Recipe != "tiny-lstm" {
			t.Errorf("%s: %d words, %+v", name, len(c.Words), c.Provenance)
		}
		if strings.Contains(name, "float") != (c.Quantizers == nil) {
			t.Errorf("%s: quantizers %+v", name, c.Quantizers)
		}
		b, err := c.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := DecodeCheckpoint(b); err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b, err := os.ReadFile("testdata/sentence-lstm.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1]++
	if _, err := DecodeCheckpoint(b); err == nil {
		t.Error("an altered file was read")
	}
}

func FuzzDecodeReader(f *testing.F) {
	b, err := readerCheckpoint(f).Encode()
	if err != nil {
		f.Fatal(err)
	}
	old, err := os.ReadFile("testdata/sentence-lstm.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	sealed := func(b []byte) []byte { // where the parts can be read
		file, err := safetensors.Decode(b, safetensors.DefaultLimits)
		if err != nil {
			return b
		}
		file.Seal()
		if again, err := safetensors.Encode(file); err == nil {
			return again
		}
		return b
	}
	edits.Fuzz(f, [][]byte{b, old}, edits.JSON, sealed, func(t *testing.T, b []byte) {
		c, err := DecodeCheckpoint(b)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		if !bytes.Equal(again, b) && !bytes.Contains(b, []byte(`"sequence":`)) {
			t.Error("not canonical")
		}
	})
}

// Polynomial gates begin as the functions they replace, nearly.
func TestGatesBeginFitted(t *testing.T) {
	n := reader()
	n.Layers[2].Gates = &Gates{Degree: 3, Radius: 4, Inside: 0.85}
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	theta := p.Get("lstm.gates")
	for k, f := range []func(float64) float64{0: func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }, 2: math.Tanh} {
		for x := -4.0; f != nil && x <= 4; x += 0.5 {
			y := 0.0
			for j := 3; j >= 0; j-- {
				y = y*x/4 + float64(theta[k*4+j])
			}
			if math.Abs(y-f(x)) > 0.25 {
				t.Errorf("gate %d at %v is %v, want about %v", k, x, y, f(x))
			}
		}
	}
}

// The tables' products are near the real ones, and stay in their bits.
func TestCellTables(t *testing.T) {
	for _, bits := range []quant.BitWidth{2, 3, 4, 5, 6} {
		for _, cells := range []int{1, 2, 4} {
			g := (&Recurrence{Quantizer: RecurrentQuantizer{StateBits: bits, CellRange: cells}}).grid()
			for x := 0; x <= g.gate; x++ {
				for y := -g.state; y <= g.state; y++ {
					for _, k := range []int{g.input, g.forget, g.output} {
						got := g.square(k, x+y) - g.square(k, x-y)
						if math.Abs(float64(got)-float64(x*y)/float64(k)) > 1 {
							t.Errorf("%d bits: %d * %d / %d = %d", bits, x, y, k, got)
						}
						if k == g.output && (got > g.state || got < -g.state) {
							t.Errorf("%d bits: the hidden state takes the code %d", bits, got)
						}
					}
				}
			}
		}
	}
}

// Networks of images say nothing of words in their files.
func TestKeysOfWordsAreLeftOut(t *testing.T) {
	b, err := json.Marshal(Layer{Type: Dense, Name: "fc", Units: 3})
	if err != nil || string(b) != `{"type":"dense","name":"fc","units":3}` {
		t.Errorf("%s, %v", b, err)
	}
}
