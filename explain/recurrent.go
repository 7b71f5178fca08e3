package explain

import (
	"context"

	"qtool/bundle"
	"qtool/model"
)

// gateWeights is the share of a recurrent layer's float weights that its quantizer clamps.
func (t Task) gateWeights(r *model.Recurrence) *float64 {
	float := *r
	name := r.Layer.Name
	float.InputWeights, float.HiddenWeights = t.Float.Get(name+".input"), t.Float.Get(name+".hidden")
	folded := float.Folded()
	clamped, row := 0, len(folded)/r.Rows()
	for k, v := range folded {
		if !r.Weights.Params(k / row).Inside(v) {
			clamped++
		}
	}
	return share(clamped, len(folded))
}

// gatesUsed is the share of the entries of all tables in the loop of node k that the
// calibration samples looked up in some step; nil where it has no tables.
func (t Task) gatesUsed(ctx context.Context, p *bundle.Program, k int) (*float64, error) {
	loop := p.Nodes[k].Op.(*bundle.Recurrent)
	wiring, err := loop.Wire(p.Input.Shape)
	if err != nil {
		return nil, err
	}
	first := len(wiring.Sizes) - len(loop.Body) // the number of the first body node's tensor
	all := make([]*lookups, len(loop.Body))
	touched, entries := 0, 0
	for i := range loop.Body {
		table, ok := loop.Body[i].Op.(*bundle.LookupTable)
		if !ok {
			continue
		}
		all[i] = &lookups{table: table}
		for _, one := range table.Tables {
			all[i].counts = append(all[i].counts, make([]int, len(one.Values)))
			entries += len(one.Values)
		}
	}
	if entries == 0 {
		return nil, nil
	}
	r, err := bundle.NewRunner(p)
	if err != nil {
		return nil, err
	}
	outs := make([]bundle.Vec, len(loop.Body))
	see := func(node, _, body int, out bundle.Vec) {
		if node != k {
			return
		}
		outs[body] = out
		// A table of a cell reads one tensor, another node's.
		if from := wiring.Inputs[body][0] - first; all[body] != nil && from >= 0 {
			all[body].add(outs[from])
		}
	}
	for i := range t.Inputs.Len() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if _, err := r.RunRecurrent(p.Input.Sample(t.Inputs.Tensor(i)).Vec(), nil, see); err != nil {
			return nil, err
		}
	}
	for _, l := range all {
		if l == nil {
			continue
		}
		for _, counts := range l.counts {
			for _, n := range counts {
				if n > 0 {
					touched++
				}
			}
		}
	}
	return share(touched, entries), nil
}
