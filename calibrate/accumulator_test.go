package calibrate

import (
	"math"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"qtool/model"
	"qtool/quant"
)

// naiveFits takes an output's integer weights one by one to the range of its sums,
// and compares that, or its biased or shifted form, with the limit.
func naiveFits(o model.Observation, limit AccumulatorConfig, output int, scale float32) bool {
	p := quant.Params{Scale: scale, Bits: o.Bits, Signed: true, NarrowRange: true}
	row := len(o.Folded) / o.Outputs
	lo, hi := new(big.Int), new(big.Int)
	for k, w := range o.Folded[output*row : (output+1)*row] {
		a, b := int64(p.Quantize(w))*int64(o.Lo[k]), int64(p.Quantize(w))*int64(o.Hi[k])
		lo.Add(lo, big.NewInt(min(a, b)))
		hi.Add(hi, big.NewInt(max(a, b)))
	}
	bits := uint(limit.Bits)
	if o.Bias == nil {
		window := big.NewInt(int64(o.Window))
		lo, hi = naiveShift(lo.Mul(lo, window), limit.Shift), naiveShift(hi.Mul(hi, window), limit.Shift)
		size := new(big.Int).Sub(hi, lo)
		return size.Add(size, big.NewInt(1)).Cmp(new(big.Int).Lsh(big.NewInt(1), bits)) <= 0
	}
	beta, _ := big.NewFloat(quant.Round24(math.RoundToEven(float64(o.Bias[output]) / (float64(scale) * o.InScale)))).Int(nil)
	lo.Add(lo, beta)
	hi.Add(hi, beta)
	end := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return hi.Cmp(end) < 0 && lo.Cmp(end.Neg(end)) >= 0
}

// naiveShift is round(q / 2^s), half to even.
func naiveShift(q *big.Int, s int) *big.Int {
	unit := new(big.Int).Lsh(big.NewInt(1), uint(s))
	floor, rest := new(big.Int).DivMod(q, unit, new(big.Int))
	switch rest.Lsh(rest, 1).Cmp(unit) {
	case 1:
		floor.Add(floor, big.NewInt(1))
	case 0:
		floor.Add(floor, new(big.Int).And(floor, big.NewInt(1)))
	}
	return floor
}

// Whatever the weights, the range fits, by the smallest such scale to a percent; a
// scale that fits already stays.
func TestBoundedRange(t *testing.T) {
	raised, kept := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		o := model.Observation{
			Layer: model.Layer{Type: model.Dense, Name: "fc"}, Outputs: rapid.IntRange(1, 3).Draw(t, "outputs"),
			Bits: quant.BitWidth(rapid.IntRange(2, 9).Draw(t, "bits")), Window: rapid.SampledFrom([]int{1, 4, 9}).Draw(t, "window"),
			InScale: rapid.Float64Range(1e-3, 10).Draw(t, "in scale"),
		}
		row := rapid.IntRange(1, 30).Draw(t, "row")
		o.Folded = rapid.SliceOfN(rapid.Float32Range(-1, 1), row*o.Outputs, row*o.Outputs).Draw(t, "weights")
		uniform := rapid.Bool().Draw(t, "uniform")
		for k := range row {
			if k == 0 || !uniform {
				o.Lo = append(o.Lo, -float64(rapid.IntRange(0, 15).Draw(t, "lo")))
				o.Hi = append(o.Hi, float64(rapid.IntRange(0, 255).Draw(t, "hi")))
			} else {
				o.Lo, o.Hi = append(o.Lo, o.Lo[0]), append(o.Hi, o.Hi[0])
			}
		}
		limit := AccumulatorConfig{Bits: rapid.IntRange(2, 18).Draw(t, "limit"), Shift: rapid.IntRange(0, 5).Draw(t, "shift")}
		biased := rapid.Bool().Draw(t, "biased")
		if biased {
			o.Bias, limit.Shift = rapid.SliceOfN(rapid.Float32Range(-20, 20), o.Outputs, o.Outputs).Draw(t, "bias"), 0
		}
		start := []float32{rapid.Float32Range(0.001, 2).Draw(t, "scale")}
		if rapid.Bool().Draw(t, "per channel") {
			for len(start) < o.Outputs {
				start = append(start, start[0]*float32(len(start)))
			}
		}
		scales, err := Bounded(func(model.Observation) ([]float32, error) { return start, nil },
			func(string) AccumulatorConfig { return limit })(o)
		if err != nil || len(scales) != o.Outputs {
			t.Fatalf("scales %v, %v", scales, err)
		}
		for k, s := range scales {
			if !naiveFits(o, limit, k, s) {
				t.Fatalf("output %d: the range at scale %v does not fit %+v", k, s, limit)
			}
			from := start[k*len(start)/o.Outputs]
			switch {
			case s == from:
				kept++
				continue
			case s < from:
				t.Fatalf("output %d: scale %v was lowered to %v", k, from, s)
			}
			raised++
			// A bias does not fall with the range: there may be a smaller scale, but
			// not the one it began with. Two's complement holds one integer more.
			if smaller := max(s*0.99, from); biased && o.Bias[k] != 0 {
				limit := limit
				limit.Bits--
				if limit.Bits > 0 && naiveFits(o, limit, k, from) {
					t.Fatalf("output %d: scale %v fits, but was raised to %v", k, from, s)
				}
			} else if !biased && naiveFits(o, limit, k, smaller) {
				t.Fatalf("output %d: scale %v was raised to %v where %v fits", k, from, s, smaller)
			}
		}
	})
	if raised == 0 || kept == 0 {
		t.Errorf("%d scales were raised and %d kept: this shows little", raised, kept)
	}
}

// The quick form of a range is the plain one, also where float32 cannot add up the
// weights' integers.
func TestBoundedInterval(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	for _, bits := range []quant.BitWidth{1, 2, 8, 12, 16} {
		o := model.Observation{Bits: bits, Outputs: 1}
		for range 3000 {
			o.Folded = append(o.Folded, float32(r.NormFloat64()))
			o.Lo, o.Hi = append(o.Lo, -3), append(o.Hi, 12)
		}
		b := newBound(&o, AccumulatorConfig{Bits: 8})
		b.take(0)
		for _, scale := range []float32{0x1p-14, 0.001, 0.3, 100} {
			p := quant.Params{Scale: scale, Bits: bits, Signed: true, NarrowRange: true}
			var lo, hi int64
			for _, w := range o.Folded {
				c := int64(p.Quantize(w))
				lo += min(-3*c, 12*c)
				hi += max(-3*c, 12*c)
			}
			if gotLo, gotHi := b.interval(scale); gotLo != float64(lo) || gotHi != float64(hi) {
				t.Errorf("%d bits at scale %v: [%v, %v], want [%v, %v]", bits, scale, gotLo, gotHi, lo, hi)
			}
		}
	}
}

// A bias that the graph rounds to 24 bits is counted as rounded.
func TestBoundedLargeBias(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	limit := AccumulatorConfig{Bits: 32}
	for range 300 {
		o := model.Observation{
			Bits: 2, Outputs: 1, Folded: []float32{1}, Lo: []float64{0}, Hi: []float64{1}, Bias: []float32{1 + r.Float32()},
		}
		// The scale at which the bias is just about the limit.
		start := r.Float32()
		o.InScale = float64(o.Bias[0]) / (float64(start) * (1<<31 - 1 - float64(r.IntN(200))))
		scales, err := Bounded(func(model.Observation) ([]float32, error) { return []float32{start}, nil },
			func(string) AccumulatorConfig { return limit })(o)
		if err != nil {
			t.Fatal(err)
		}
		if !naiveFits(o, limit, 0, scales[0]) {
			t.Fatalf("bias %v at scale %v passes 32 bits", o.Bias[0], scales[0])
		}
	}
}

func TestBoundedErrors(t *testing.T) {
	o := model.Observation{
		Layer: model.Layer{Type: model.Dense, Name: "fc"}, Bits: 1, Outputs: 2, Window: 1, InScale: 1,
		Folded: []float32{1, -1, 0.5, 0.5}, Lo: []float64{0, 0}, Hi: []float64{15, 15},
	}
	limit := AccumulatorConfig{Bits: 4}
	bounded := func(inner model.Observer) error {
		scales, err := Bounded(inner, func(string) AccumulatorConfig { return limit })(o)
		if err == nil || scales != nil {
			t.Fatalf("scales %v, error %v", scales, err)
		}
		return err
	}
	// Binary weights are never 0: the range is [-15, 15] at any scale.
	err := bounded(WeightConfig{Bits: 1, Kind: "mse"}.Observer())
	if want := `calibrate: layer "fc", output 0: no scale brings its range into 4 bits`; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
	o.Bits, o.Folded = 4, []float32{1, float32(math.NaN()), 0, 0}
	if err := bounded(WeightConfig{Bits: 4}.Observer()); !strings.Contains(err.Error(), `layer "fc": weight value NaN at element 1`) {
		t.Errorf("error %v", err)
	}
	// Without a bound nothing is raised, nor given to every output.
	limit = AccumulatorConfig{}
	got, err := Bounded(func(model.Observation) ([]float32, error) { return []float32{0.5}, nil }, func(string) AccumulatorConfig { return limit })(o)
	if err != nil || !slices.Equal(got, []float32{0.5}) {
		t.Errorf("without a bound: %v, %v", got, err)
	}
	for _, c := range []struct {
		config AccumulatorConfig
		want   string
	}{
		{AccumulatorConfig{Bits: -1}, "accumulator.bits: -1 is outside 2..1000 (or 0 for no bound)"},
		{AccumulatorConfig{Bits: 1}, "accumulator.bits: 1 is outside"},
		{AccumulatorConfig{Bits: 1001}, "accumulator.bits: 1001 is outside"},
		{AccumulatorConfig{Shift: -1}, "accumulator.shift: -1 is outside 0..16"},
		{AccumulatorConfig{Shift: 17}, "accumulator.shift: 17 is outside 0..16"},
	} {
		if err := c.config.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want one with %q", c.config, err, c.want)
		}
	}
}

// A bound is for the layers that the general one or their own reaches: those before
// a table, or the last of a network without tables.
func TestWhichLayersAreBounded(t *testing.T) {
	general, own := AccumulatorConfig{Bits: 8, Shift: 1}, AccumulatorConfig{Bits: 5}
	dense := func(name string) model.Layer { return model.Layer{Type: model.Dense, Name: name, Units: 3} }
	tables := &model.Network{Input: []int{3}, Layers: []model.Layer{
		dense("a"), {Type: model.BatchNorm, Name: "n"}, {Type: model.Tanh, Name: "t"},
		dense("b"), {Type: model.Square, Name: "s"}, dense("c"), {Type: model.ReLU, Name: "r"}, dense("d"),
	}}
	polynomial := &model.Network{Input: []int{3}, Layers: []model.Layer{dense("a"), {Type: model.Square, Name: "s"}, dense("d")}}
	for _, c := range []struct {
		n     *model.Network
		layer string
		own   bool
		want  AccumulatorConfig
	}{
		{tables, "a", false, general}, {tables, "b", false, AccumulatorConfig{}}, {tables, "c", false, general},
		{tables, "d", false, AccumulatorConfig{}}, {tables, "t", false, AccumulatorConfig{}},
		{tables, "d", true, own}, {tables, "a", true, own},
		{polynomial, "a", false, AccumulatorConfig{}}, {polynomial, "d", false, general}, {polynomial, "a", true, own},
	} {
		config := Config{Accumulator: general}
		if c.own {
			config.Layers = map[string]LayerConfig{c.layer: {Accumulator: &own}}
		}
		if got := config.accumulator(c.n, c.layer); got != c.want {
			t.Errorf("layer %q, own bound %v: %+v, want %+v", c.layer, c.own, got, c.want)
		}
	}
	if _, ranges := (Config{Accumulator: AccumulatorConfig{Shift: 2}}).WeightObserver(tables); ranges {
		t.Error("a shift alone asks for ranges")
	}
	if _, ranges := (Config{Accumulator: general}).WeightObserver(tables); !ranges {
		t.Error("a bound does not ask for ranges")
	}
}
