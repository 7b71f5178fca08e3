package explain

import (
	"context"
	"math"
	"math/big"

	"qtool/bundle"
	"qtool/export"
	"qtool/internal/elementary"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
)

// tensors are the layers without their accuracies.
func (t Task) tensors(ctx context.Context, p *bundle.Program) ([]Layer, error) {
	q := t.Quantized
	scaling, err := q.Scaling()
	if err != nil {
		return nil, err
	}
	sqnr, err := export.Observe(q, t.Float, p, t.Calibration, t.Inputs)
	if err != nil {
		return nil, err
	}
	lookups, err := t.lookups(ctx, p)
	if err != nil {
		return nil, err
	}
	layers := []Layer{t.input()}
	for k := range p.Nodes {
		n := &p.Nodes[k]
		l := Layer{
			Name: n.Name, Op: n.Kind(), Bits: int(n.Bits), SQNR: sqnr[k],
			Range: n.Range, Seen: n.Seen, Headroom: n.Range.Bits() - n.Seen.Bits(),
		}
		for i, layer := range q.Network.Layers {
			switch {
			case layer.Name != n.Name:
			case layer.Weighted():
				l.Saturation = t.weights(&scaling[i], layer.Name)
			case layer.Recurrent():
				r, err := q.Recurrence(i)
				if err != nil {
					return nil, err
				}
				l.Bits, l.Saturation = int(r.Weights.Bits), t.gateWeights(r)
				if l.DomainUsed, err = t.gatesUsed(ctx, p, k); err != nil {
					return nil, err
				}
			case layer.LookupTable():
				l.Bits = int(scaling[i].Table.Params.Bits)
				l.Saturation, l.DomainUsed = lookups[k].rates(layer, &scaling[i])
			}
		}
		layers = append(layers, l)
	}
	return layers, nil
}

// input is the network's input, on the calibration images.
func (t Task) input() Layer {
	q := t.Quantized.Input
	zero := int64(q.ZeroPoint)
	l := Layer{Name: qat.InputName, Op: "Input", Bits: int(q.Bits), Range: bundle.NewRange(int64(q.QMin())-zero, int64(q.QMax())-zero)}
	signal, noise, clamped, pixels := 0.0, 0.0, 0, 0
	lo, hi := math.Inf(1), math.Inf(-1)
	for x := range ptq.Entered(t.Quantized.Network, t.Float, t.Calibration) {
		for _, v := range x {
			code := float64(q.Code(v))
			lo, hi = min(lo, code), max(hi, code)
			d := float64(v) - float64(float64(q.Scale)*code)
			signal += float64(float64(v) * float64(v))
			noise += float64(d * d)
			if !q.Inside(v) {
				clamped++
			}
		}
		pixels += len(x)
	}
	l.SQNR = decibels(signal, noise)
	l.Saturation = share(clamped, pixels)
	l.Seen = bundle.NewRange(int64(lo), int64(hi))
	l.Headroom = l.Range.Bits() - l.Seen.Bits()
	return l
}

// decibels is a ratio as JSON can say it: at most 300, and 0 of nothing.
func decibels(signal, noise float64) float64 {
	if signal == 0 {
		return 0
	}
	return min(10*elementary.Log10(signal/noise), 300)
}

func share(part, whole int) *float64 {
	s := float64(part) / float64(max(whole, 1))
	return &s
}

// weights is the share of a layer's float weights that its quantizer clamps.
func (t Task) weights(s *model.LayerScaling, layer string) *float64 {
	w, b := t.Float.Of(layer)
	var z model.WeightQuantizer
	for _, c := range t.Quantized.Weights {
		if c.Layer == layer {
			z = c
		}
	}
	clamped, row := 0, len(w)/len(b)
	for k, v := range s.FoldedWeights(w, len(b)) {
		if !z.Params(k / row).Inside(v) {
			clamped++
		}
	}
	return share(clamped, len(w))
}

// lookups counts how often each entry of a table was read.
type lookups struct {
	table  *bundle.LookupTable
	counts [][]int // of each of its tables
}

// lookups runs the calibration images and counts what every table is asked for;
// nil for other nodes.
func (t Task) lookups(ctx context.Context, p *bundle.Program) ([]*lookups, error) {
	all := make([]*lookups, len(p.Nodes))
	any := false
	for k := range p.Nodes {
		table, ok := p.Nodes[k].Op.(*bundle.LookupTable)
		if !ok {
			continue
		}
		any = true
		all[k] = &lookups{table: table}
		for _, one := range table.Tables {
			all[k].counts = append(all[k].counts, make([]int, len(one.Values)))
		}
	}
	if !any {
		return all, nil
	}
	r, err := bundle.NewRunner(p)
	if err != nil {
		return nil, err
	}
	graph, err := p.Graph()
	if err != nil {
		return nil, err
	}
	tensors := make([]bundle.Vec, len(p.Nodes)+1)
	for i := range t.Inputs.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		tensors[0] = p.Input.Sample(t.Inputs.Tensor(i)).Vec()
		if _, err := r.Run(tensors[0], func(k int, out bundle.Vec) {
			if all[k] != nil {
				all[k].add(tensors[graph.Inputs[k][0]])
			}
			tensors[k+1] = out
		}); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (l *lookups) add(in bundle.Vec) {
	for i, v := range in.Small {
		c := i * len(l.counts) / len(in.Small)
		l.counts[c][bundle.RoundShift(v, l.table.Shift)-l.table.Tables[c].Lo]++
	}
}

// rates are the share of looked-up activations that the quantizer clamped, and
// the share of entries that were looked up at all.
func (l *lookups) rates(layer model.Layer, s *model.LayerScaling) (saturation, used *float64) {
	clamped, reads, touched, entries := 0, 0, 0, 0
	for c, counts := range l.counts {
		entries += len(counts)
		for k, n := range counts {
			if n == 0 {
				continue
			}
			touched++
			reads += n
			if !s.Table.Params.Inside(l.real(layer, s, c, k)) {
				clamped += n
			}
		}
	}
	return share(clamped, reads), share(touched, entries)
}

// real is the activation that entry k of table c rounds.
func (l *lookups) real(layer model.Layer, s *model.LayerScaling, c, k int) float32 {
	n := new(big.Int).Lsh(big.NewInt(l.table.Tables[c].Lo+int64(k)), uint(l.table.Shift))
	z := float64(s.Slope[c%len(s.Slope)]*float64(n.Int64())) + s.Offset[c%len(s.Offset)]
	return float32(layer.Apply(z))
}
