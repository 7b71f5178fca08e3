package qat

import (
	G "gorgonia.org/gorgonia"

	"qtool/model"
	"qtool/quant"
	"qtool/quant/bulk"
	"qtool/train/op"
)

// recurrence is a recurrent layer as last refreshed.
type recurrence struct {
	*model.Recurrence
	tables model.CellTables // where the gates are tables
}

// refreshRecurrences brings the recurrent layers to the parameters and scales.
func (z *Quantizer) refreshRecurrences() error {
	for i, l := range z.q.Network.Layers {
		if !l.Recurrent() {
			continue
		}
		r, err := z.q.Recurrence(i)
		if err != nil {
			return err
		}
		if z.recurrences[i] == nil {
			z.recurrences[i] = &recurrence{}
		}
		z.recurrences[i].Recurrence = r
		if l.TabledCell() {
			z.recurrences[i].tables.Update(r)
		}
	}
	return nil
}

// Recurrent implements train.Quantizer. A cell of tables has them as they are exported,
// which hold the bias; one of polynomials computes with the reals that its weights' codes
// stand for.
func (z *Quantizer) Recurrent(i int, w, u, b *G.Node) (wq, uq, bq *G.Node, cell op.Cell, err error) {
	r := z.recurrences[i]
	name := r.Layer.Name
	input, hidden := r.Folds()
	if wq, err = z.gateWeights(name+".input", r, w, input); err != nil {
		return nil, nil, nil, nil, err
	}
	if uq, err = z.gateWeights(name+".hidden", r, u, hidden); err != nil {
		return nil, nil, nil, nil, err
	}
	if !r.Layer.TabledCell() {
		return wq, uq, b, nil, nil
	}
	bq, err = op.Deferred(b)
	return wq, uq, bq, op.TableCell{Tables: &r.tables}, err
}

// gateWeights quantizes weights [rows, I] that meet values of the given scale. A cell of
// tables has their codes, one of polynomials what the codes stand for.
func (z *Quantizer) gateWeights(name string, r *recurrence, w *G.Node, scale float32) (*G.Node, error) {
	size := w.Shape()[1]
	factor := func(p quant.Params) float32 {
		if r.Layer.TabledCell() {
			return 1
		}
		return p.Scale / scale
	}
	var folded []float32
	fold := func(w []float32) []float32 {
		folded = append(folded[:0], w...)
		multiply(folded, scale)
		return folded
	}
	each := func(f func(from, to int, p quant.Params)) {
		for k := range r.Rows() {
			f(k*size, (k+1)*size, r.Weights.Params(k))
		}
	}
	return op.FakeQuantize(name, w, op.Quantizer{
		Codes: func(dst, w []float32) {
			w = fold(w)
			each(func(from, to int, p quant.Params) {
				bulk.Codes(p, dst[from:to], w[from:to])
				multiply(dst[from:to], factor(p))
			})
		},
		Grad: func(dw, w, dcode []float32) {
			w = fold(w)
			each(func(from, to int, p quant.Params) {
				pass(dw[from:to], w[from:to], dcode[from:to], p, factor(p)*scale/p.Scale)
			})
		},
	})
}

// pass is the straight-through gradient: factor where x is inside p's grid.
func pass(dx, x, dcode []float32, p quant.Params, factor float32) {
	if !p.Binary() {
		bulk.Grid(p).QuantizeGrad(dx, x, dcode, factor)
		return
	}
	for i, v := range x {
		dx[i] = 0
		if p.Inside(v) {
			dx[i] = factor * dcode[i]
		}
	}
}

// Recurrent implements train.Quantizer. A layer that is off computes with the float
// parameters and activations.
func (m *mixed) Recurrent(i int, w, u, b *G.Node) (wq, uq, bq *G.Node, cell op.Cell, err error) {
	l := m.q.Network.Layers[i]
	if m.on(l.Name) {
		return m.Quantizer.Recurrent(i, w, u, b)
	}
	all := [3]*G.Node{w, u, b}
	for k, part := range []string{"input", "hidden", "bias"} {
		name := l.Name + "." + part
		data := m.float.Get(name)
		if all[k], err = op.FakeQuantize(name, all[k], op.Quantizer{Codes: func(dst, _ []float32) { copy(dst, data) }}); err != nil {
			return nil, nil, nil, nil, err
		}
	}
	return all[0], all[1], all[2], nil, nil
}
