package f32

import "math"

// AdamStep has the constants of one step; see train.Adam.
type AdamStep struct {
	Rate         float32 // the learning rate over 1-b1^t
	Beta1, Rest1 float32 // b1, 1-b1
	Beta2, Rest2 float32 // b2, 1-b2
	Root         float32 // 1/sqrt(1-b2^t)
	Epsilon      float32
	Scale        float32 // of the gradient
}

// Apply steps weights w with moments m and v by the gradient g:
//
//	g <- g*Scale
//	m <- Beta1*m + Rest1*g
//	v <- Beta2*v + (Rest2*g)*g
//	w <- w - (Rate*m) / (sqrt(v)*Root + Epsilon)
//
// Every operation is rounded to float32.
//
// Reference: Kingma and Ba, arXiv 1412.6980, algorithm 1.
func (a AdamStep) Apply(w, m, v, g []float32) {
	fits(w, m, v, g)
	if n := len(w) &^ (lanes - 1); active != nil && n > 0 {
		c := [8]float32{a.Rate, a.Beta1, a.Rest1, a.Beta2, a.Rest2, a.Root, a.Epsilon, a.Scale}
		active.adam(&w[0], &m[0], &v[0], &g[0], n, &c[0])
		w, m, v, g = w[n:], m[n:], v[n:], g[n:]
	}
	for k := range w {
		x := float32(g[k] * a.Scale)
		m[k] = float32(a.Beta1*m[k]) + float32(a.Rest1*x)
		v[k] = float32(a.Beta2*v[k]) + float32(float32(a.Rest2*x)*x)
		// Rounding the root of a float32 twice changes nothing.
		w[k] -= float32(a.Rate*m[k]) / (float32(float32(math.Sqrt(float64(v[k])))*a.Root) + a.Epsilon)
	}
}

// ApplyRelative is Apply with a gradient relative to each weight and steps
// relative to it, of at most a half:
//
//	w <- w - w * clamp((Rate*m) / (sqrt(v)*Root + Epsilon), -1/2, 1/2)
//
// It is for the few learned scales and has no vector form.
func (a AdamStep) ApplyRelative(w, m, v, g []float32) {
	fits(w, m, v, g)
	for k := range w {
		x := float32(g[k] * a.Scale)
		m[k] = float32(a.Beta1*m[k]) + float32(a.Rest1*x)
		v[k] = float32(a.Beta2*v[k]) + float32(float32(a.Rest2*x)*x)
		step := float32(a.Rate*m[k]) / (float32(float32(math.Sqrt(float64(v[k])))*a.Root) + a.Epsilon)
		w[k] -= float32(w[k] * min(max(step, -0.5), 0.5))
	}
}
