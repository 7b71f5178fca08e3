package tune

import (
	"fmt"
	"slices"

	"qtool/model"
	"qtool/recipe"
	"qtool/tune/pareto"
)

// What a search may choose: bits, the width of tables' domains in bits, and
// degrees of polynomials.
var (
	inputBits      = pareto.Range(1, 8)
	weightBits     = pareto.Range(2, 8)
	activationBits = pareto.Range(1, 8)
	stateBits      = pareto.Range(2, 6)
	domainBits     = pareto.Range(4, 12)
	degrees        = pareto.Range(1, 7)
)

// Axis is a number to be chosen and the recipe key that it is set by.
type Axis struct {
	pareto.Axis
	Key string `json:"key"`
	// With are further overrides that the key needs.
	With []string `json:"-"`
}

// axesOf are the numbers that a recipe leaves to be chosen: the bits of its
// input, of each layer's weights and each table's values, of the states of recurrent
// layers, the width of each table's domain, and the degree of each polynomial whose interval is measured
// (with an interval of its own it is a part of the float network). Of the degrees
// only those are values that the fit has.
func axesOf(r *recipe.Recipe) []Axis {
	n := &r.Network
	axes := []Axis{{Axis: pareto.Axis{Name: "input", Values: inputBits}, Key: "quantize.input.bits"}}
	if n.ReadsWords() {
		axes[0].Values = weightBits // signed
	}
	add := func(name, key string, values []int, with ...string) {
		axes = append(axes, Axis{pareto.Axis{Name: name, Values: values}, key, with})
	}
	// Where all else has v bits, sums of a few inputs fit a domain of about v + 4.
	const domainOffset = 4
	states := false // of recurrent layers, which share their bits
	for i, l := range n.Layers {
		layer := "quantize.layers." + l.Name
		switch {
		case l.Recurrent():
			add(l.Name, layer+".bits", weightBits)
			if l.TableCell() {
				add(l.Name+" domain", layer+".accumulator.bits", domainBits)
				axes[len(axes)-1].Offset = domainOffset
				states = true
			}
		case l.Weighted():
			add(l.Name, layer+".bits", weightBits)
			if n.TableAfter(i) >= 0 {
				add(l.Name+" domain", layer+".accumulator.bits", domainBits, shiftOverride(r, l.Name)...)
				axes[len(axes)-1].Offset = domainOffset
			}
		case l.LookupTable():
			values := activationBits
			if l.Type == model.Sign || r.Quantize.Activations.Symmetric {
				values = values[1:] // 0 and both signs need two bits
			}
			add(l.Name, layer+".bits", values)
		case l.Percentile != 0:
			key := "network.layers." + l.Name + ".degree"
			if values := possible(r, key, degrees); len(values) > 1 {
				add(l.Name+" degree", key, values)
			}
		}
	}
	if states {
		add("states", "quantize.activations.bits", stateBits)
	}
	return axes
}

// start is the point that a table network's recipe is itself, or nearly;
// nil for other networks, where equal bits everywhere are starts enough.
func start(r *recipe.Recipe, axes []Axis) pareto.Point {
	n, q := &r.Network, &r.Quantize.Config
	if !n.Tables() {
		return nil
	}
	var p pareto.Point
	for _, a := range axes {
		want := q.Input.Bits
		if a.Key == "quantize.activations.bits" {
			want = q.Activations.Bits
		}
		for _, l := range n.Layers {
			layer := "quantize.layers." + l.Name
			switch {
			case a.Key == layer+".bits" && (l.Weighted() || l.Recurrent()):
				want = int(q.WeightBits(l.Name))
			case a.Key == layer+".bits":
				want = q.Activation(l.Name).Bits
			case a.Key == layer+".accumulator.bits":
				want = q.Accumulator.Bits
				if own := q.Layers[l.Name].Accumulator; own != nil {
					want = own.Bits
				}
				if want == 0 { // no bound
					want = slices.Max(a.Values)
				}
			case a.Key == "network.layers."+l.Name+".degree":
				want = l.Degree
			}
		}
		p = append(p, a.Nearest(want))
	}
	return p
}

// shiftOverride keeps the general shift of tables' indices, which an accumulator
// of the layer's own would replace.
func shiftOverride(r *recipe.Recipe, layer string) []string {
	if s := r.Quantize.Accumulator.Shift; s != 0 && r.Quantize.Layers[layer].Accumulator == nil {
		return []string{fmt.Sprintf("quantize.layers.%s.accumulator.shift=%d", layer, s)}
	}
	return nil
}

// possible are the values that the recipe takes for a key.
func possible(r *recipe.Recipe, key string, values []int) (taken []int) {
	for _, v := range values {
		if _, err := r.With([]string{fmt.Sprintf("%s=%d", key, v)}); err == nil {
			taken = append(taken, v)
		}
	}
	return taken
}
