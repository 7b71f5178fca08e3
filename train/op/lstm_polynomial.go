package op

import "qtool/kernel/f32"

// PolynomialCell is an LSTM's cell whose gates are polynomials, of pre-activations
// in [-Radius, Radius]:
//
//	gate_k(z) = sum_j theta[k, j] (z/Radius)^j,   k = i, f, g, o, v
//
// with theta [5, Degree+1], which are parameters. With LinearOutput v is the
// identity and its row is not used.
//
// Penalty asks for pre-activations that stay inside: for every element z of them,
// and of c where v is a polynomial,
//
//	Penalty / *Count * max(|z| - Inside*Radius, 0)^2
//
// belongs to the loss; LastPenalty is that sum of the last run backward.
type PolynomialCell struct {
	Degree       int
	Radius       float32
	LinearOutput bool
	Penalty      float32
	Inside       float32
	Count        *int
	LastPenalty  float64

	row   []float32
	du    []float32
	dy    []float32
	dgate [5][]float64 // gradients by theta, of the last run backward
}

// NewPolynomialCell has no penalty.
func NewPolynomialCell(degree int, radius float32, linearOutput bool) *PolynomialCell {
	return &PolynomialCell{Degree: degree, Radius: radius, LinearOutput: linearOutput}
}

// coefficients are the polynomial of gate k, in powers of z.
func (p *PolynomialCell) coefficients(theta []float32, k int) []float32 {
	n := p.Degree + 1
	p.row = append(p.row[:0], theta[k*n:(k+1)*n]...)
	power := float32(1)
	for j := range p.row {
		p.row[j] /= power
		power *= p.Radius
	}
	return p.row
}

// Forward implements Cell.
func (p *PolynomialCell) Forward(r *Run, t int) {
	for k := range 4 {
		f32.Polynomial(r.Gate(r.Y[t], k), r.Gate(r.Z[t], k), p.coefficients(r.Theta, k))
	}
	r.combine(t)
	if p.LinearOutput {
		copy(r.V[t], r.C[t+1])
	} else {
		f32.Polynomial(r.V[t], r.C[t+1], p.coefficients(r.Theta, 4))
	}
	f32.Mul(r.H[t+1], r.Gate(r.Y[t], 3), r.V[t])
}

// Backward implements Cell.
func (p *PolynomialCell) Backward(r *Run, t int) {
	if len(p.du) != len(r.DC) {
		p.du, p.dy = make([]float32, len(r.DC)), make([]float32, len(r.DC))
	}
	if t == len(r.Z)-1 {
		p.LastPenalty = 0
		for k := range p.dgate {
			p.dgate[k] = append(p.dgate[k][:0], make([]float64, p.Degree+1)...)
		}
	}
	y, dz := r.Y[t], r.DZ[t]
	o := r.Gate(y, 3)
	f32.Mul(p.dy, r.DH, o)
	if p.LinearOutput {
		f32.Add(r.DC, p.dy)
	} else {
		p.gate(r, 4, t, p.du, r.C[t+1], p.dy)
		f32.Add(r.DC, p.du)
	}
	f32.Mul(p.dy, r.DH, r.V[t])
	p.gate(r, 3, t, r.Gate(dz, 3), r.Gate(r.Z[t], 3), p.dy)
	for k, other := range [][]float32{r.Gate(y, 2), r.C[t], r.Gate(y, 0)} {
		f32.Mul(p.dy, r.DC, other)
		p.gate(r, k, t, r.Gate(dz, k), r.Gate(r.Z[t], k), p.dy)
	}
	f32.Mul(r.DC, r.DC, r.Gate(y, 1))
}

// gate is the gradient dz of polynomial k and of the penalty, from dy. Samples that
// have not begun at step t have no part in it.
func (p *PolynomialCell) gate(r *Run, k, t int, dz, z, dy []float32) {
	d := p.dgate[k]
	for i, a := range z {
		x, g := float64(a/p.Radius), float64(dy[i])
		for j := range d {
			d[j] += g
			g *= x
		}
	}
	row := p.coefficients(r.Theta, k)
	for j := 1; j < len(row); j++ {
		row[j-1] = float32(j) * row[j]
	}
	f32.PolynomialGrad(dz, z, dy, row[:len(row)-1])
	if p.Penalty == 0 {
		return
	}
	limit, weight := float32(p.Inside*p.Radius), p.Penalty/float32(*p.Count)
	for i, a := range z {
		over := max(a, -a) - limit
		if over <= 0 || r.first != nil && r.first[i%r.Batch] > t {
			continue
		}
		p.LastPenalty += float64(weight * over * over)
		if a < 0 {
			over = -over
		}
		dz[i] += float32(2 * weight * over)
	}
}

// BiasFactor implements Cell.
func (*PolynomialCell) BiasFactor(int) float32 { return 1 }

// Coefficients implements Cell.
func (p *PolynomialCell) Coefficients(_ *Run, dtheta []float32) {
	for k, row := range p.dgate {
		for j, d := range row {
			dtheta[k*(p.Degree+1)+j] += float32(d)
		}
	}
}
