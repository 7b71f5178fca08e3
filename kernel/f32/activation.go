package f32

import "math"

// Sigmoid is dst = 1/(1+exp(-x)), within 2.2 units in the last place (of 2^-126,
// for a smaller result).
func Sigmoid(dst, x []float32) {
	fits(dst, x)
	if active != nil {
		dst, x = active.sigmoid.over(dst, x)
	}
	for i, a := range x {
		dst[i] = sigmoid(a)
	}
}

// sigmoid is 1/(1+e) or e/(1+e) with e = exp(-|x|), which never overflows.
func sigmoid(x float32) float32 {
	e := exp(math.Float32frombits(math.Float32bits(x) | 1<<31))
	top := float32(1)
	if x < 0 {
		top = e
	}
	return top / (1 + e)
}

// SigmoidGrad is dst = y*(1-y) * dy for y = sigmoid(x).
func SigmoidGrad(dst, y, dy []float32) {
	fits(dst, y, dy)
	if active != nil {
		dst, y, dy = active.sigmoidGrad.over(dst, y, dy)
	}
	for i, a := range y {
		dst[i] = float32(a*(1-a)) * dy[i]
	}
}

// Tanh is dst = tanh(x), within 1.7 units in the last place.
func Tanh(dst, x []float32) {
	fits(dst, x)
	if active != nil {
		dst, x = active.tanh.over(dst, x)
	}
	for i, a := range x {
		dst[i] = tanh(a)
	}
}

// tanh is an odd polynomial below 0.625, (1-e)/(1+e) with e = exp(-2|x|) above.
// The polynomial is taken from tanhf in Moshier's Cephes library.
func tanh(x float32) float32 {
	sign := math.Float32bits(x) & (1 << 31)
	a := math.Float32frombits(math.Float32bits(x) &^ (1 << 31))
	var y float32
	if a < 0.625 {
		z := float32(a * a)
		p := float32(-5.70498872745e-3)
		p = float32(p*z) + 2.06390887954e-2
		p = float32(p*z) + -5.37397155531e-2
		p = float32(p*z) + 1.33314422036e-1
		p = float32(p*z) + -3.33332819422e-1
		y = a + float32(float32(p*z)*a)
	} else {
		e := exp(a * -2)
		y = (1 - e) / (1 + e)
	}
	return math.Float32frombits(math.Float32bits(y) | sign)
}

// TanhGrad is dst = (1 - y*y) * dy for y = tanh(x).
func TanhGrad(dst, y, dy []float32) {
	fits(dst, y, dy)
	if active != nil {
		dst, y, dy = active.tanhGrad.over(dst, y, dy)
	}
	for i, a := range y {
		dst[i] = (1 - float32(a*a)) * dy[i]
	}
}

// exp is e^x of x <= 0: e^r * 2^n with n = round(x/log 2) and |r| <= log(2)/2,
// by the polynomial of expf in Moshier's Cephes library. Below -104 it is 0,
// as e^-104 is. The result is rounded twice where it is subnormal.
func exp(x float32) float32 {
	const (
		log2e   = 0x1.715476p0
		magic   = 0x1.8p23 // what is added to it loses its fraction
		ln2High = 0x1.63p-1
		ln2Low  = -2.12194440e-4
	)
	if x < -104 {
		x = -104
	}
	t := float32(x*log2e) + magic
	n := t - magic
	r := x - float32(n*ln2High) - float32(n*ln2Low)
	p := float32(1.9875691500e-4)
	p = float32(p*r) + 1.3981999507e-3
	p = float32(p*r) + 8.3334519073e-3
	p = float32(p*r) + 4.1665795894e-2
	p = float32(p*r) + 1.6666665459e-1
	p = float32(p*r) + 5.0000001201e-1
	p = float32(p*float32(r*r)) + r + 1
	// 2^n in two halves, so that neither leaves the exponents of float32.
	whole := int32(math.Float32bits(t)<<10) >> 10 // the low 22 bits of t are n
	half := whole >> 1
	p *= math.Float32frombits(uint32(whole-half+127) << 23)
	return p * math.Float32frombits(uint32(half+127)<<23)
}
