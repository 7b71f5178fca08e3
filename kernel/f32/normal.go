package f32

// Sums are the sums that a batch normalisation takes over stretches of a tensor, in float64:
// 16 of each kind, value k of a stretch in the sum number k mod 16.
type Sums [2 * lanes]float64

// Add adds y-b to the first sum, and (x-a)(y-b) to the second, for all values of
// a stretch. Every operation is rounded to float64.
func (s *Sums) Add(x, y []float32, a, b float64) {
	fits(x, y)
	if n := len(x) &^ (lanes - 1); active != nil && n > 0 {
		active.products(&s[0], &x[0], &y[0], n, a, b)
		x, y = x[n:], y[n:]
	}
	for k, v := range x {
		u, w := float64(v)-a, float64(y[k])-b
		s[k%lanes] += w
		s[lanes+k%lanes] += float64(u * w)
	}
}

// Totals are the two sums: lanes 8 apart are added, then 4, and so on.
func (s Sums) Totals() (sum, product float64) {
	return addLanes((*[lanes]float64)(s[:lanes])), addLanes((*[lanes]float64)(s[lanes:]))
}

// Affine is dst = p*x + r, each operation rounded to float64, the result to
// float32. dst may be x.
func Affine(dst, x []float32, p, r float64) {
	fits(dst, x)
	if n := len(dst) &^ (lanes - 1); active != nil && n > 0 {
		active.line(&dst[0], &x[0], n, p, r)
		dst, x = dst[n:], x[n:]
	}
	for i, a := range x {
		dst[i] = float32(float64(p*float64(a)) + r)
	}
}

// Affine2 is dst = (p*x + q*y) + r, each operation rounded to float64, the result
// to float32. dst may be one of its inputs.
func Affine2(dst, x, y []float32, p, q, r float64) {
	fits(dst, x, y)
	if n := len(dst) &^ (lanes - 1); active != nil && n > 0 {
		active.plane(&dst[0], &x[0], &y[0], n, p, q, r)
		dst, x, y = dst[n:], x[n:], y[n:]
	}
	for i, a := range x {
		dst[i] = float32(float64(p*float64(a)) + float64(q*float64(y[i])) + r)
	}
}
