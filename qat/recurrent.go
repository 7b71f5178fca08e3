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
		if l.TableCell() {
			z.recurrences[i].tables.Update(r)
		}
	}
	return nil
}

// Recurrent implements train.Quantizer. A cell of tables has them as they are exported,
// which hold the bias; one of polynomials computes with the reals that its weights' codes
// stand for.
func (z *Quantizer) Recurrent(i int, w, u, b *G.Node) (wq, uq, bq *G.Node, cell any, err error) {
	r := z.recurrences[i]
	name := r.Layer.Name
	input := func(k int) float32 { scale, _ := r.Folds(k); return scale }
	hidden := func(k int) float32 { _, scale := r.Folds(k); return scale }
	if wq, err = z.gateWeights(name+".input", r, w, input); err != nil {
		return nil, nil, nil, nil, err
	}
	if uq, err = z.gateWeights(name+".hidden", r, u, hidden); err != nil {
		return nil, nil, nil, nil, err
	}
	if !r.Layer.TableCell() {
		return wq, uq, b, nil, nil
	}
	if cell = (op.TableCell{Tables: &r.tables}); r.Layer.Type == model.GRU {
		cell = op.TableGRU{Tables: &r.tables}
	}
	bq, err = op.Deferred(b)
	return wq, uq, bq, cell, err
}

// gateWeights quantizes weights [rows, I], of which each row meets values of the scale that
// it says. A cell of tables has their codes, one of polynomials what the codes stand for.
func (z *Quantizer) gateWeights(name string, r *recurrence, w *G.Node, scale func(row int) float32) (*G.Node, error) {
	size := w.Shape()[1]
	factor := func(p quant.Params, scale float32) float32 {
		if r.Layer.TableCell() {
			return 1
		}
		return p.Scale / scale
	}
	var folded []float32
	// each calls f with every row, folded, and where it is.
	each := func(w []float32, f func(from, to int, folded []float32, p quant.Params, scale float32)) {
		for k := range r.Rows() {
			from, to := k*size, (k+1)*size
			folded = append(folded[:0], w[from:to]...)
			multiply(folded, scale(k))
			f(from, to, folded, r.Weights.Params(k), scale(k))
		}
	}
	return op.FakeQuantize(name, w, op.Quantizer{
		Codes: func(dst, w []float32) {
			each(w, func(from, to int, w []float32, p quant.Params, scale float32) {
				bulk.Codes(p, dst[from:to], w)
				multiply(dst[from:to], factor(p, scale))
			})
		},
		Grad: func(dw, w, dcode []float32) {
			each(w, func(from, to int, w []float32, p quant.Params, scale float32) {
				pass(dw[from:to], w, dcode[from:to], p, factor(p, scale)*scale/p.Scale)
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
func (m *mixed) Recurrent(i int, w, u, b *G.Node) (wq, uq, bq *G.Node, cell any, err error) {
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
