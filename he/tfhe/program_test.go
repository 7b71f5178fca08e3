package tfhe

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"qtool/bundle"
	"qtool/quant"
)

// testInsecureLiteral is small, quick and not secure.
func testInsecureLiteral() ParametersLiteral {
	return ParametersLiteral{
		LogN: 10, LogQ: 50, Ring: [2]Digits{{20, 1}, {15, 2}},
		Dimension: 64, Group: 2, LogSmallQ: 20, Switch: Digits{4, 4},
	}
}

// tableOf makes a table over [lo, hi].
type tableOf func(lo, hi int64, rng *rand.Rand) []int32

// arbitrary has any entries of so many bits.
func arbitrary(bits int) tableOf {
	return func(lo, hi int64, rng *rand.Rand) []int32 {
		v := make([]int32, hi-lo+1)
		for i := range v {
			v[i] = rng.Int32N(1 << bits)
		}
		return v
	}
}

// sigmoid rises from 0 to 2^bits - 1 about the middle of the range.
func sigmoid(bits int) tableOf {
	return func(lo, hi int64, _ *rand.Rand) []int32 {
		v := make([]int32, hi-lo+1)
		top := float64(int(1)<<bits - 1)
		for i := range v {
			x := (float64(i) + 0.5 - float64(len(v))/2) / float64(len(v)) * 16
			v[i] = int32(math.RoundToEven(top / (1 + math.Exp(-x))))
		}
		return v
	}
}

// net says what newNet makes.
type net struct {
	bits      quant.BitWidth // of the inputs
	maxWeight int
	// domain bounds the values of an accumulator that a table follows, by leaving
	// out weights; 0 leaves all.
	domain int64
	table  tableOf
	widths []int
}

// newNet is a chain of dense layers with a table a neuron between them.
func newNet(t testing.TB, rng *rand.Rand, n net) *bundle.Program {
	t.Helper()
	bits, widths := n.bits, n.widths
	width := int64(1)<<bits - 1 // of a layer's inputs
	p := &bundle.Program{Input: bundle.Input{
		Shape:     []int{widths[0]},
		Quantizer: quant.Params{Bits: bits, Scale: 1 / float32(int(1)<<bits-1)},
	}}
	name := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	for i := range widths[1:] {
		d := &bundle.Dense{Inputs: widths[i], Units: widths[i+1]}
		d.Weight = make([]int32, d.Inputs*d.Units)
		for o := range d.Units {
			room := n.domain - 1
			for _, k := range rng.Perm(d.Inputs) {
				w := int64(rng.IntN(2*n.maxWeight+1) - n.maxWeight)
				if cost := max(w, -w) * width; n.domain == 0 || i+2 == len(widths) {
					d.Weight[o*d.Inputs+k] = int32(w)
				} else if cost <= room {
					d.Weight[o*d.Inputs+k] = int32(w)
					room -= cost
				}
			}
			d.Bias.Small = append(d.Bias.Small, int64(rng.IntN(9)-4))
		}
		p.Nodes = append(p.Nodes, bundle.Node{Name: "fc" + name[i], Op: d, Scale: []float64{1}})
		if i+2 == len(widths) {
			break
		}
		prove(t, p)
		bounds, err := p.Bounds()
		if err != nil {
			t.Fatal(err)
		}
		b := bounds[len(bounds)-1]
		l := &bundle.LookupTable{}
		for o := range d.Units {
			lo, hi := b.Lo.Small[o], b.Hi.Small[o]
			l.Tables = append(l.Tables, bundle.Table{Lo: lo, Values: n.table(lo, hi, rng)})
		}
		width = 0
		for _, v := range l.Tables {
			width = max(width, int64(slices.Max(v.Values)))
		}
		p.Nodes = append(p.Nodes, bundle.Node{Name: "table" + name[i], Op: l, Scale: []float64{1}})
	}
	prove(t, p)
	return p
}

// prove labels the last tensor and fills in shapes and ranges.
func prove(t testing.TB, p *bundle.Program) {
	t.Helper()
	p.Labels = nil
	shape := p.Input.Shape
	for i := range p.Nodes {
		var err error
		if shape, err = p.Nodes[i].Op.OutShape(shape); err != nil {
			t.Fatal(err)
		}
	}
	for range shape[0] {
		p.Labels = append(p.Labels, "label")
	}
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
}

// randomSamples are n inputs of random bytes for p, quantized.
func randomSamples(rng *rand.Rand, n int, p *bundle.Program) []bundle.Sample {
	bytes := make([][]uint8, n)
	for i := range bytes {
		bytes[i] = make([]uint8, bundle.Size(p.Input.Shape))
		for k := range bytes[i] {
			bytes[i][k] = uint8(rng.IntN(256))
		}
	}
	return p.Input.Samples(bytes)
}

func seeded(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, 7)) }

// forced is a plan with the given parameters, whatever they can carry.
func forced(t testing.TB, p *bundle.Program, l ParametersLiteral) *Plan {
	t.Helper()
	layers, err := lower(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := build(p, layers, l, 0)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}
