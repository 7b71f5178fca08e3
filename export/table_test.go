package export

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/calibrate"
	"qtool/model"
	"qtool/ptq"
)

// tableNetwork has a table behind a batch norm and a pool, and one behind a dense
// layer.
func tableNetwork() *model.Network {
	return &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
		{Type: model.AvgPool, Name: "pool0", Kernel: model.Both(4)},
		{Type: model.Conv, Name: "conv", Channels: 3, Kernel: model.Both(3), Padding: model.AllSides(1)},
		{Type: model.BatchNorm, Name: "norm"},
		{Type: model.AvgPool, Name: "pool", Kernel: model.Both(2)},
		{Type: model.Tanh, Name: "tanh"},
		{Type: model.Flatten, Name: "flat"},
		{Type: model.Dense, Name: "fc1", Units: 12},
		{Type: model.Sigmoid, Name: "sigmoid"},
		{Type: model.Dense, Name: "fc2", Units: 10},
	}}
}

// tableParameters are the network's, its batch norms moved.
func tableParameters(t *testing.T, n *model.Network) model.Parameters {
	t.Helper()
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	for k, c := range []float32{1.5, -0.5, 0.75} {
		p.Get("norm.weight")[k], p.Get("norm.bias")[k], p.Get("norm.mean")[k], p.Get("norm.variance")[k] = c, c/4, -c/8, c*c/16
	}
	return p
}

func tableConfig(bits int) calibrate.Config {
	return calibrate.Config{
		Weights: calibrate.WeightConfig{Bits: bits, PerChannel: true}, Input: calibrate.InputConfig{Bits: bits, Observer: "minmax"},
		Activations: calibrate.ActivationConfig{InputConfig: calibrate.InputConfig{Bits: bits}}, Images: 50,
	}
}

// quantizedTables is the table network quantized, and its scaling.
func quantizedTables(t *testing.T, c calibrate.Config) (*model.Quantized, []model.LayerScaling) {
	t.Helper()
	n := tableNetwork()
	q, err := ptq.Quantize(context.Background(), n, tableParameters(t, n), c, images(t, 50))
	if err != nil {
		t.Fatal(err)
	}
	s, err := q.Scaling()
	if err != nil {
		t.Fatal(err)
	}
	return q, s
}

// Every entry is TableCode of the accumulators that the shift brings there, and the
// tables reach over the whole static bound and no further.
func TestTables(t *testing.T) {
	for _, shift := range []int{0, 3} {
		c := tableConfig(4)
		c.Accumulator.Shift = shift
		q, scaling := quantizedTables(t, c)
		p := program(t, q)
		bounds, err := p.Bounds()
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, n := range p.Nodes {
			names = append(names, n.Name)
		}
		if want := []string{"pool0", "conv", "pool", "tanh", "flat", "fc1", "sigmoid", "fc2"}; !reflect.DeepEqual(names, want) {
			t.Errorf("nodes %v, want %v: the batch norm is in the table", names, want)
		}
		for node, layer := range map[int]int{3: 4, 6: 7} {
			table := p.Nodes[node].Op.(*bundle.LookupTable)
			if int(table.Shift) != shift || len(table.Tables) != p.Nodes[node].Shape[0] {
				t.Fatalf("shift %d, %d tables for shape %v", table.Shift, len(table.Tables), p.Nodes[node].Shape)
			}
			before := bounds[node-1]
			per := before.Lo.Len() / len(table.Tables)
			for ch := range table.Tables {
				lo, hi := int64(math.MaxInt64), int64(math.MinInt64)
				for k := ch * per; k < (ch+1)*per; k++ {
					lo, hi = min(lo, before.Lo.At(k).Int64()), max(hi, before.Hi.At(k).Int64())
				}
				one := &table.Tables[ch]
				for q := lo; q <= hi; q++ {
					if got, want := table.At(one, q), scaling[layer].TableCode(tableNetwork().Layers[layer], ch, float64(q)); float32(got) != want {
						t.Fatalf("layer %q, channel %d, accumulator %d: entry %d, want %v", p.Nodes[node].Name, ch, q, got, want)
					}
				}
				if one.Lo != bundle.RoundShift(lo, table.Shift) || one.Hi() != bundle.RoundShift(hi, table.Shift) {
					t.Errorf("layer %q, channel %d: table over [%d, %d] for the range [%d, %d]", p.Nodes[node].Name, ch, one.Lo, one.Hi(), lo, hi)
				}
			}
		}
	}
}

// With a bound no table has more than 2^bits entries; a bound that is not needed
// changes nothing.
func TestBoundedTables(t *testing.T) {
	for _, limit := range []calibrate.AccumulatorConfig{{Bits: 11}, {Bits: 12}, {Bits: 9, Shift: 2}, {Bits: 8, Shift: 4}} {
		c := tableConfig(4)
		c.Accumulator = limit
		q, _ := quantizedTables(t, c)
		p := program(t, q)
		largest := 0
		for node, layer := range map[int]string{3: "conv", 6: "fc1"} {
			for ch, table := range p.Nodes[node].Op.(*bundle.LookupTable).Tables {
				if n := len(table.Values); n > 1<<limit.Bits {
					t.Errorf("%+v: layer %q, channel %d: %d entries", limit, layer, ch, n)
				} else {
					largest = max(largest, n)
				}
			}
		}
		if largest <= 1<<(limit.Bits-1) {
			t.Errorf("%+v: no table has more than %d entries: a smaller bound would do", limit, largest)
		}
	}
	free, _ := quantizedTables(t, tableConfig(3))
	c := tableConfig(3)
	c.Accumulator.Bits = 30
	loose, _ := quantizedTables(t, c)
	for i, w := range free.Weights {
		if !reflect.DeepEqual(w, loose.Weights[i]) {
			t.Errorf("a bound of 30 bits changed %+v to %+v", w, loose.Weights[i])
		}
	}
}

// A layer of its own bound, without a table after it, holds its bias too.
func TestBoundedLogits(t *testing.T) {
	c := tableConfig(4)
	for _, bits := range []int{6, 9} {
		c.Layers = map[string]calibrate.LayerConfig{"fc2": {Accumulator: &calibrate.AccumulatorConfig{Bits: bits}}}
		n := tableNetwork()
		params := tableParameters(t, n)
		for k := range params.Get("fc2.bias") {
			params.Get("fc2.bias")[k] = float32(k) - 5
		}
		q, err := ptq.Quantize(context.Background(), n, params, c, images(t, 50))
		if err != nil {
			t.Fatal(err)
		}
		if r := program(t, q).Output().Range; r.Bits() > bits || r.Bits() < bits-1 {
			t.Errorf("range %v of %d bits, want %d", r, r.Bits(), bits)
		}
	}
}

func TestTooWideTables(t *testing.T) {
	c := tableConfig(4)
	q, _ := quantizedTables(t, c)
	// A bias is the table's: the range is what weights alone make. 16 bits of weights and
	// inputs on rows of 108 terms are beyond 2^24.
	wide := tableConfig(16)
	w, _ := quantizedTables(t, wide)
	for _, c := range []struct {
		q    *model.Quantized
		edit func(*model.Quantized)
		want string
	}{
		{w, func(*model.Quantized) {}, `export: layer "tanh": its tables need `},
		{q, func(q *model.Quantized) { q.Activations[0].Shift = 40 }, `layer "tanh": shift 40 passes the limit of 32`},
	} {
		c.edit(c.q)
		p, err := Program(c.q, make([]string, 10))
		if p != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
		if c.q == w && !errors.Is(err, ErrTooWide) {
			t.Errorf("%v is not ErrTooWide", err)
		}
	}
}

// The shift that the error names is the least that brings the entries to what is
// left for them.
func TestFits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ranges := make([]bundle.Range, rapid.IntRange(1, 5).Draw(t, "channels"))
		for c := range ranges {
			lo := rapid.Int64Range(-1<<39, 1<<39).Draw(t, "lo")
			ranges[c] = bundle.Range{Lo: big.NewInt(lo), Hi: big.NewInt(rapid.Int64Range(lo, 1<<39).Draw(t, "hi"))}
		}
		shift, left := rapid.Uint8Range(0, 32).Draw(t, "shift"), rapid.IntRange(0, 1<<24).Draw(t, "left")
		err := fits(ranges, shift, left)
		entries := func(shift uint8) (n int64) {
			for _, r := range ranges {
				n += bundle.RoundShift(r.Hi.Int64(), shift) - bundle.RoundShift(r.Lo.Int64(), shift) + 1
			}
			return n
		}
		if (err == nil) != (entries(shift) <= int64(left)) {
			t.Fatalf("%d entries for %d: %v", entries(shift), left, err)
		}
		if err == nil {
			return
		}
		least := shift + 1
		for least <= 32 && entries(least) > int64(left) {
			least++
		}
		want := fmt.Sprintf("; a shift by %d would bring them to %d", least, entries(least))
		if least > 32 {
			want = "; no shift brings them below"
		}
		if !errors.Is(err, ErrTooWide) || !strings.HasSuffix(err.Error(), want) {
			t.Fatalf("error %v, want one that ends in %q", err, want)
		}
	})
}

// Beyond 2^40 a table is refused by its accumulators' bits, before any entry.
func TestTableOverManyBits(t *testing.T) {
	n := &model.Network{Input: []int{1, 28, 28}, Layers: []model.Layer{
		{Type: model.Flatten, Name: "flat"}, {Type: model.Dense, Name: "fc1", Units: 4}, {Type: model.Square, Name: "square"},
		{Type: model.Tanh, Name: "tanh"}, {Type: model.Dense, Name: "fc2", Units: 10},
	}}
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	q, err := ptq.Quantize(context.Background(), n, p, tableConfig(12), images(t, 50))
	if err != nil {
		t.Fatal(err)
	}
	_, err = Program(q, make([]string, 10))
	if !errors.Is(err, ErrTooWide) || !strings.Contains(err.Error(), `layer "tanh": channel 0: its accumulator takes`) {
		t.Errorf("error %v", err)
	}
}

// More bits are less noise, at every node, and every figure can be said in JSON.
func TestTableSQNR(t *testing.T) {
	s := images(t, 40)
	var ratios [][]float64
	for _, bits := range []int{3, 5, 7} {
		q, _ := quantizedTables(t, tableConfig(bits))
		p := program(t, q)
		sqnr, err := Observe(q, q.Params, p, s, s)
		if err != nil || len(sqnr) != len(p.Nodes) {
			t.Fatalf("%d ratios for %d nodes, %v", len(sqnr), len(p.Nodes), err)
		}
		ratios = append(ratios, sqnr)
	}
	for k := range ratios[0] {
		// A bit is 6 dB, two are 12; half of it is a margin as in TestSQNR.
		if ratios[0][k] < 3 || ratios[1][k] < ratios[0][k]+6 || ratios[2][k] < ratios[1][k]+6 {
			t.Errorf("node %d: %.1f, %.1f and %.1f dB in 3, 5 and 7 bits", k, ratios[0][k], ratios[1][k], ratios[2][k])
		}
	}
}

// An activation that is always 0 gives a program of the bias alone.
func TestDeadActivation(t *testing.T) {
	n := tableNetwork()
	n.Layers[4] = model.Layer{Type: model.ReLU, Name: "relu"}
	n.Layers[7] = model.Layer{Type: model.ReLU, Name: "relu2"}
	params := tableParameters(t, n)
	for k := range params.Get("fc1.bias") {
		params.Get("fc1.bias")[k] = -1e6
	}
	for _, symmetric := range []bool{false, true} {
		c := tableConfig(4)
		c.Activations.Symmetric = symmetric
		q, err := ptq.Quantize(context.Background(), n, params, c, images(t, 50))
		if err != nil {
			t.Fatal(err)
		}
		if a := q.Activations[1].Params; a.Scale != 1 || a.ZeroPoint != 0 {
			t.Errorf("grid of zeros %+v", a)
		}
		p := program(t, q)
		if r := p.Nodes[6].Range; r.Lo.Cmp(new(big.Int)) != 0 || r.Hi.Cmp(new(big.Int)) != 0 {
			t.Errorf("range %v of a dead activation", r)
		}
		sqnr, err := Observe(q, q.Params, p, images(t, 10), images(t, 10))
		if err != nil {
			t.Fatal(err)
		}
		for k, x := range sqnr {
			if math.IsNaN(x) || math.IsInf(x, 0) {
				t.Errorf("node %d: SQNR %v", k, x)
			}
		}
		for k, b := range params.Get("fc2.bias") {
			r, err := bundle.NewRunner(p)
			if err != nil {
				t.Fatal(err)
			}
			v, err := r.Run(p.Input.Quantize(images(t, 1).Image(0)), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Output().Real(v, k); math.Abs(got-float64(b)) > p.Output().Scale[k%len(p.Output().Scale)]/2 {
				t.Errorf("logit %d is %v, the bias %v", k, got, b)
			}
		}
	}
}
