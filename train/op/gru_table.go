package op

import "qtool/model"

// TableGRU is a GRU's cell in integers, of tables alone; see model.CellTables. Everything a
// GRU with it carries is integer-valued: x, w, u, A, Y, RH and H. The bias is in the
// tables; b itself must be 0 in the graph's sum. Gradients are straight through every
// rounding, as in TableCell.
type TableGRU struct{ Tables *model.CellTables }

// look writes the entries of the gates of rows from..to-1.
func (c TableGRU) look(r *GRURun, t, from, to int) {
	n := r.Batch
	for k := from; k < to; k++ {
		gate := &c.Tables.Gates[k]
		for i, a := range r.A[t][k*n : (k+1)*n] {
			r.Y[t][k*n+i] = gate.At(a)
		}
	}
}

// Reset implements GRUCell.
func (c TableGRU) Reset(r *GRURun, t int) {
	c.look(r, t, 0, 2*r.Hidden)
	reset, square := r.Gate(r.Y[t], 1), &c.Tables.Squares[0]
	for i, h := range r.H[t] {
		r.RH[t][i] = square.At(reset[i]+h) - square.At(reset[i]-h)
	}
}

// Output implements GRUCell.
func (c TableGRU) Output(r *GRURun, t int) {
	c.look(r, t, 2*r.Hidden, 3*r.Hidden)
	z, n, square := r.Gate(r.Y[t], 0), r.Gate(r.Y[t], 2), &c.Tables.Squares[1]
	for i, h := range r.H[t] {
		rest := c.Tables.Full - z[i]
		sum := square.At(z[i]+h) - square.At(z[i]-h) + square.At(rest+n[i]) - square.At(rest-n[i])
		r.Sum[t][i], r.H[t+1][i] = sum, c.Tables.Cell.At(sum)
	}
}

// BackOutput implements GRUCell.
func (c TableGRU) BackOutput(r *GRURun, t int) {
	z, n := r.Gate(r.Y[t], 0), r.Gate(r.Y[t], 2)
	dz, dn := r.Gate(r.DA[t], 0), r.Gate(r.DA[t], 2)
	divisor := 1 / c.Tables.Divisors[1]
	for i, d := range r.DH {
		d *= c.Tables.Cell.SlopeAt(r.Sum[t][i]) * divisor
		dz[i] = d * (r.H[t][i] - n[i])
		dn[i] = d * (c.Tables.Full - z[i])
		r.DH[i] = d * z[i]
	}
	c.slopes(r, t, 0, r.Hidden)
	c.slopes(r, t, 2*r.Hidden, 3*r.Hidden)
}

// BackReset implements GRUCell.
func (c TableGRU) BackReset(r *GRURun, t int) {
	reset, dr := r.Gate(r.Y[t], 1), r.Gate(r.DA[t], 1)
	divisor := 1 / c.Tables.Divisors[0]
	for i, d := range r.DRH {
		d *= divisor
		dr[i] = d * r.H[t][i]
		r.DH[i] += float32(d * reset[i])
	}
	c.slopes(r, t, r.Hidden, 2*r.Hidden)
}

// slopes multiplies DA by the slopes of the tables of rows from..to-1.
func (c TableGRU) slopes(r *GRURun, t, from, to int) {
	n := r.Batch
	for k := from; k < to; k++ {
		gate := &c.Tables.Gates[k]
		for e := k * n; e < (k+1)*n; e++ {
			r.DA[t][e] *= gate.SlopeAt(r.A[t][e])
		}
	}
}

// BiasFactor implements GRUCell.
func (c TableGRU) BiasFactor(k int) float32 { return float32(1 / c.Tables.Slope[k]) }
