package op

import "qtool/model"

// TableCell is an LSTM's cell in integers, of tables alone; see model.CellTables.
// Everything an LSTM with it carries is integer-valued: x, w, u, Z, Y, C and H. The
// bias is in the tables; b itself must be 0 in the graph's sum.
//
// Gradients are straight through every rounding: a gate's is its activation's
// slope, a rounded product's gradients are the gradients of x y / K, and a clamped cell
// state has none.
type TableCell struct{ Tables *model.CellTables }

// Forward implements Cell.
func (c TableCell) Forward(r *Run, t int) {
	n, tables := r.Batch, c.Tables
	z, y := r.Z[t], r.Y[t]
	for k := range tables.Gates {
		gate := &tables.Gates[k]
		codes, lo := gate.Codes, gate.Lo
		for i, a := range z[k*n : (k+1)*n] {
			y[k*n+i] = codes[int(a)-lo]
		}
	}
	i, f, g, o := r.Gate(y, 0), r.Gate(y, 1), r.Gate(y, 2), r.Gate(y, 3)
	ig, fc, ov := &tables.Squares[0], &tables.Squares[1], &tables.Squares[2]
	for e := range i {
		old := r.C[t][e]
		sum := ig.At(i[e]+g[e]) - ig.At(i[e]-g[e]) + fc.At(f[e]+old) - fc.At(f[e]-old)
		v := tables.Out.At(sum)
		r.Sum[t][e], r.C[t+1][e], r.V[t][e] = sum, tables.Cell.At(sum), v
		r.H[t+1][e] = ov.At(o[e]+v) - ov.At(o[e]-v)
	}
}

// Backward implements Cell.
func (c TableCell) Backward(r *Run, t int) {
	n, tables := r.Batch, c.Tables
	y, z, dz := r.Y[t], r.Z[t], r.DZ[t]
	i, f, g, o := r.Gate(y, 0), r.Gate(y, 1), r.Gate(y, 2), r.Gate(y, 3)
	di, df, dg, do := r.Gate(dz, 0), r.Gate(dz, 1), r.Gate(dz, 2), r.Gate(dz, 3)
	input, forget, output := 1/tables.Divisors[0], 1/tables.Divisors[1], 1/tables.Divisors[2]
	for e := range i {
		sum, dh := r.Sum[t][e], r.DH[e]*output
		do[e] = dh * r.V[t][e]
		d := float32(dh*o[e]*tables.Out.SlopeAt(sum)) + float32(r.DC[e]*tables.Cell.SlopeAt(sum))
		di[e], dg[e] = d*input*g[e], d*input*i[e]
		df[e] = d * forget * r.C[t][e]
		r.DC[e] = d * forget * f[e]
	}
	for k := range tables.Gates {
		slopes, lo := tables.Gates[k].Slopes, tables.Gates[k].Lo
		for e := k * n; e < (k+1)*n; e++ {
			dz[e] *= slopes[int(z[e])-lo]
		}
	}
}

// BiasFactor implements Cell.
func (c TableCell) BiasFactor(k int) float32 { return float32(1 / c.Tables.Slope[k]) }

// Coefficients implements Cell.
func (TableCell) Coefficients(*Run, []float32) {}
