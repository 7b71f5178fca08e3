package op

import "qtool/kernel/f32"

// FloatCell is the LSTM's cell as it was published: i, f and o are sigmoids, g and
// v hyperbolic tangents.
type FloatCell struct{}

// Forward implements Cell.
func (FloatCell) Forward(r *Run, t int) {
	y := r.Y[t]
	f32.Sigmoid(y[:2*len(y)/4], r.Z[t][:2*len(y)/4]) // i and f
	f32.Tanh(r.Gate(y, 2), r.Gate(r.Z[t], 2))
	f32.Sigmoid(r.Gate(y, 3), r.Gate(r.Z[t], 3))
	r.combine(t)
	f32.Tanh(r.V[t], r.C[t+1])
	f32.Mul(r.H[t+1], r.Gate(y, 3), r.V[t])
}

// combine is c = f c + i g.
func (r *Run) combine(t int) {
	i, f, g := r.Gate(r.Y[t], 0), r.Gate(r.Y[t], 1), r.Gate(r.Y[t], 2)
	c := r.C[t+1]
	f32.Mul(c, f, r.C[t])
	f32.Mul(r.V[t], i, g)
	f32.Add(c, r.V[t])
}

// Backward implements Cell.
func (FloatCell) Backward(r *Run, t int) {
	y, dz := r.Y[t], r.DZ[t]
	o, do := r.Gate(y, 3), r.Gate(dz, 3)
	f32.Mul(do, r.DH, r.V[t])
	f32.SigmoidGrad(do, o, do)
	// dv, then its part of dc
	dv := r.Gate(dz, 0)
	f32.Mul(dv, r.DH, o)
	f32.TanhGrad(dv, r.V[t], dv)
	f32.Add(r.DC, dv)
	i, f, g := r.Gate(y, 0), r.Gate(y, 1), r.Gate(y, 2)
	di, df, dg := r.Gate(dz, 0), r.Gate(dz, 1), r.Gate(dz, 2)
	f32.Mul(di, r.DC, g)
	f32.SigmoidGrad(di, i, di)
	f32.Mul(df, r.DC, r.C[t])
	f32.SigmoidGrad(df, f, df)
	f32.Mul(dg, r.DC, i)
	f32.TanhGrad(dg, g, dg)
	f32.Mul(r.DC, r.DC, f)
}

// BiasFactor implements Cell.
func (FloatCell) BiasFactor(int) float32 { return 1 }

// Coefficients implements Cell.
func (FloatCell) Coefficients(*Run, []float32) {}
