package sequence

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"

	"qtool/internal/edits"
	"qtool/internal/safetensors"
	"qtool/model"
	"qtool/quant"
)

func network() *Network {
	return &Network{Cell: LSTM, Embedding: 5, Inputs: 3, Hidden: 2, Steps: 4}
}

func checkpoint(t *testing.T) *Checkpoint {
	t.Helper()
	n := network()
	p, err := n.Initialise(3, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &Checkpoint{
		Network: n, Params: p, Words: []string{"a", "b", "c"}, Scores: []float32{1, -1, 0},
		Quantizers: &Quantizers{
			Input: quant.Params{Scale: 0.25, Bits: 4, Signed: true}, WeightBits: 4, Rows: []float32{1, 2, 1, 1, 1, 1, 1, 0.5}, Output: 0.1,
			Family: TableFamily, StateBits: 4, CellRange: 2,
		},
		Provenance: model.Provenance{Recipe: "r", Stage: "qat"},
	}
}

func TestCheckpoint(t *testing.T) {
	c := checkpoint(t)
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
		func(c *Checkpoint) { c.Params = c.Params[1:] }, func(c *Checkpoint) { c.Params[2].Data[0] = float32(math.NaN()) },
		func(c *Checkpoint) { c.Quantizers.Rows[0] = 0 }, func(c *Checkpoint) { c.Network.Steps, c.Network.Cell = 4, Mean },
	} {
		c := checkpoint(t)
		change(c)
		if _, err := c.Encode(); err == nil {
			t.Errorf("%+v was written", c)
		}
	}
	if _, err := DecodeCheckpoint(b[:len(b)-1]); err == nil {
		t.Error("a cut checkpoint was read")
	}
}

func FuzzDecodeCheckpoint(f *testing.F) {
	n := network()
	p, err := n.Initialise(2, 1)
	if err != nil {
		f.Fatal(err)
	}
	b, err := (&Checkpoint{Network: n, Params: p, Words: []string{"a", "b"}, Scores: make([]float32, 2)}).Encode()
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
	edits.Fuzz(f, [][]byte{b}, edits.JSON, sealed, func(t *testing.T, b []byte) {
		c, err := DecodeCheckpoint(b)
		if err != nil {
			return
		}
		again, err := c.Encode()
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("not canonical: %v", err)
		}
	})
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		change func(*Network)
		want   string
	}{
		{func(n *Network) { n.Cell = "gru" }, "cell"}, {func(n *Network) { n.Hidden = 0 }, "hidden"},
		{func(n *Network) { n.Inputs = 0 }, "inputs"}, {func(n *Network) { n.Embedding = 2000 }, "embedding"},
		{func(n *Network) { n.Cell, n.Hidden = Mean, 0 }, "one step"},
		{func(n *Network) { n.Gates = &Gates{Degree: 3, Radius: math.NaN(), Inside: 1} }, "gates.radius"},
		{func(n *Network) { n.Gates = &Gates{Degree: 3, Radius: 4} }, "gates.inside"},
	} {
		n := network()
		c.change(n)
		if err := n.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want an error with %q", err, c.want)
		}
	}
}

// Polynomial gates begin as the functions they replace, nearly.
func TestGatesBeginFitted(t *testing.T) {
	n := network()
	n.Gates = &Gates{Degree: 3, Radius: 4, Inside: 0.85}
	p, err := n.Initialise(2, 1)
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
func TestTables(t *testing.T) {
	for _, bits := range []quant.BitWidth{2, 3, 4, 5, 6} {
		for _, cells := range []int{1, 2, 4} {
			g := (&Quantizers{StateBits: bits, CellRange: cells}).grid()
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
