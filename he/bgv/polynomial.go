package bgv

import "qtool/kernel/mod"

// squares are the products of block k, for each k, of
//
//	sum over w < n of (sum_i x_{w,i} s^i)^2
//
// where element w begins at word w*stride and has blocks i <= degree.
func squares(degree, n, stride int) []mod.Pairs {
	var all []mod.Pairs
	for k := range 2*degree + 1 {
		var mixed, plain [][2]int
		for w := range n {
			for i := max(0, k-degree); 2*i <= k; i++ {
				pair := [2]int{w*stride + i*block, w*stride + (k-i)*block}
				if 2*i == k {
					plain = append(plain, pair)
				} else {
					mixed = append(mixed, pair)
				}
			}
		}
		all = append(all, mod.NewPairs(mixed, plain))
	}
	return all
}

// products lists, for each k, the products of parts that make block k of the product of
// ciphertexts of degrees dx and dy.
func products(dx, dy int) []mod.Pairs {
	var all []mod.Pairs
	for k := range dx + dy + 1 {
		var plain [][2]int
		for i := max(0, k-dy); i <= min(k, dx); i++ {
			plain = append(plain, [2]int{i * block, (k - i) * block})
		}
		all = append(all, mod.NewPairs(nil, plain))
	}
	return all
}

// dots evaluates a list of products for each block of dst.
func (c *constants) dots(dst, x, y []uint64, pairs []mod.Pairs) {
	for k, p := range pairs {
		c.m.Dot(dst[k*block:][:block:block], x, y, p, c.factor)
	}
}

// horner is a polynomial of constants on plaintexts, for one modulus: its
// leading coefficient, and the constants of c_0 from the second down.
type horner struct {
	lead mod.Factor
	rest []uint64
}

// polynomial evaluates h on the ciphertext x by Horner's rule,
//
//	acc = lead*x + rest_0;   acc = acc*x*T + rest_1;   ...
//
// into dst, whose polynomials past the result's degree become zero. products[j]
// is for acc of j+1 times the degree of x.
func (c *constants) polynomial(dst, x []uint64, h *horner, products [][]mod.Pairs, scratch *[2][]uint64) {
	acc := scratch[0][:len(x)]
	c.m.Scale(acc, x, h.lead)
	c.m.AddConstant(acc[:block], acc[:block], h.rest[0])
	for j, constant := range h.rest[1:] {
		next := scratch[(j+1)%2][:len(acc)+len(x)-block]
		c.dots(next, acc, x, products[j])
		c.m.AddConstant(next[:block], next[:block], constant)
		acc = next
	}
	clear(dst[copy(dst, acc):])
}
