package bgv

import "github.com/tuneinsight/lattigo/v5/ring"

// mulScalar is dst = x*c for a scalar c in Montgomery form.
func (m *modulus) mulScalar(dst, x []uint64, c uint64) {
	x = x[:len(dst)]
	for k := range dst {
		dst[k] = ring.MRed(x[k], c, m.q, m.mont)
	}
}

// square is the square of a ciphertext as a polynomial in s:
//
//	dst_k = sum_{i+j=k} x_i y_j
//
// where y is x times a factor in Montgomery form: T for the product of
// plaintexts. x has len(x)/block polynomials, dst twice as many less one. Each
// mixed product is taken once and doubled. dst must not overlap x or y.
func (m *modulus) square(dst, x, y []uint64) {
	n := len(x) / block
	q, mont := m.q, m.mont
	for k := range 2*n - 1 {
		d := (*[block]uint64)(dst[k*block:])
		clear(d[:])
		from := max(0, k-n+1)
		for i := from; 2*i < k; i++ {
			a, b := (*[block]uint64)(x[i*block:]), (*[block]uint64)(y[(k-i)*block:])
			for j := range d {
				d[j] = ring.CRed(d[j]+ring.MRed(a[j], b[j], q, mont), q)
			}
		}
		if from < k-from {
			for j := range d {
				d[j] = ring.CRed(2*d[j], q)
			}
		}
		if k%2 == 0 {
			a, b := (*[block]uint64)(x[k/2*block:]), (*[block]uint64)(y[k/2*block:])
			for j := range d {
				d[j] = ring.CRed(d[j]+ring.MRed(a[j], b[j], q, mont), q)
			}
		}
	}
}

// product is that of two ciphertexts as polynomials in s:
//
//	dst_k = sum_{i+j=k} x_i y_j
//
// with y in Montgomery form. dst must not overlap x or y.
func (m *modulus) product(dst, x, y []uint64) {
	nx, ny := len(x)/block, len(y)/block
	q, mont := m.q, m.mont
	clear(dst[:(nx+ny-1)*block])
	for i := range nx {
		for k := range ny {
			a, b := (*[block]uint64)(x[i*block:]), (*[block]uint64)(y[k*block:])
			d := (*[block]uint64)(dst[(i+k)*block:])
			for j := range d {
				d[j] = ring.CRed(d[j]+ring.MRed(a[j], b[j], q, mont), q)
			}
		}
	}
}

// horner is a polynomial of constants on plaintexts, for one modulus. lead is
// in Montgomery form, rest are constants of c_0 from the second coefficient
// down. A plain square needs neither.
type horner struct {
	square bool
	lead   uint64
	rest   []uint64
}

// polynomial evaluates h on the ciphertext x by Horner's rule,
//
//	acc = lead*x + rest_0;   acc = acc*x*T + rest_1;   ...
//
// into dst, whose polynomials past the result's degree become zero. factor is T
// twice in Montgomery form, so that a product with it stays in that form.
func (m *modulus) polynomial(dst, x []uint64, h *horner, factor uint64, s *scratch) {
	y := s.y[:len(x)]
	if h.square {
		m.mulScalar(y, x, factor)
		m.square(dst, x, y)
		return
	}
	acc := s.acc[0][:len(x)]
	m.mulScalar(acc, x, h.lead)
	m.addConstant(acc[:block], h.rest[0])
	if len(h.rest) > 1 {
		m.mulScalar(y, x, factor)
	}
	for j, c := range h.rest[1:] {
		next := s.acc[(j+1)%2][:len(acc)+len(x)-block]
		m.product(next, acc, y)
		m.addConstant(next[:block], c)
		acc = next
	}
	clear(dst[copy(dst, acc):])
}

// scratch is a worker's memory for one element.
type scratch struct {
	row, pooled, y []uint64
	acc            [2][]uint64
}
