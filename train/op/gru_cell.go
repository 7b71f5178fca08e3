package op

import "qtool/kernel/f32"

// FloatGRU is the GRU's cell as it was published: z and r are sigmoids, the candidate is a
// hyperbolic tangent.
type FloatGRU struct{}

// Reset implements GRUCell.
func (FloatGRU) Reset(r *GRURun, t int) {
	n := 2 * r.Hidden * r.Batch
	f32.Sigmoid(r.Y[t][:n], r.A[t][:n])
	f32.Mul(r.RH[t], r.Gate(r.Y[t], 1), r.H[t])
}

// Output implements GRUCell.
func (FloatGRU) Output(r *GRURun, t int) {
	z, n := r.Gate(r.Y[t], 0), r.Gate(r.Y[t], 2)
	f32.Tanh(n, r.Gate(r.A[t], 2))
	for i, before := range r.H[t] {
		r.H[t+1][i] = n[i] + float32(z[i]*(before-n[i]))
	}
}

// BackOutput implements GRUCell.
func (FloatGRU) BackOutput(r *GRURun, t int) {
	z, n := r.Gate(r.Y[t], 0), r.Gate(r.Y[t], 2)
	dz, dn := r.Gate(r.DA[t], 0), r.Gate(r.DA[t], 2)
	for i, d := range r.DH {
		dz[i] = d * (r.H[t][i] - n[i])
		dn[i] = d * (1 - z[i])
		r.DH[i] = d * z[i]
	}
	f32.SigmoidGrad(dz, z, dz)
	f32.TanhGrad(dn, n, dn)
}

// BackReset implements GRUCell.
func (FloatGRU) BackReset(r *GRURun, t int) {
	reset, dr := r.Gate(r.Y[t], 1), r.Gate(r.DA[t], 1)
	f32.Mul(dr, r.DRH, r.H[t])
	f32.SigmoidGrad(dr, reset, dr)
	f32.Mul(r.DRH, r.DRH, reset)
	f32.Add(r.DH, r.DRH)
}

// BiasFactor implements GRUCell.
func (FloatGRU) BiasFactor(int) float32 { return 1 }
