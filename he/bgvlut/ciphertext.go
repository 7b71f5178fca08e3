package bgvlut

import (
	"sync"

	"qtool/he/internal/rns"
)

// ciphertext has degree 1 and lies in the transform domain; see package rns.
type ciphertext [2]rns.Poly

func (c *ciphertext) limbs() int { return len(c[0]) }

// pool keeps limbs between uses: first touch of fresh memory is slow. It is safe
// for concurrent use.
type pool struct {
	n    int
	mu   sync.Mutex
	free [][]uint64
}

func newPool(n int) *pool { return &pool{n: n} }

// poly has so many limbs with undefined contents.
func (p *pool) poly(limbs int) rns.Poly {
	p.mu.Lock()
	kept := max(0, len(p.free)-limbs)
	all := append(make(rns.Poly, 0, limbs), p.free[kept:]...)
	p.free = p.free[:kept]
	p.mu.Unlock()
	for len(all) < limbs {
		all = append(all, make([]uint64, p.n))
	}
	return all
}

func (p *pool) ciphertext(limbs int) ciphertext { return ciphertext{p.poly(limbs), p.poly(limbs)} }

// ciphertexts are n of so many limbs.
func (p *pool) ciphertexts(n, limbs int) []ciphertext {
	all := make([]ciphertext, n)
	for k := range all {
		all[k] = p.ciphertext(limbs)
	}
	return all
}

// put takes back limbs that nobody reads any more.
func (p *pool) put(all ...rns.Poly) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, x := range all {
		p.free = append(p.free, x...)
	}
}

func (p *pool) drop(c ciphertext) { p.put(c[0], c[1]) }

// ciphertexts are a batch's: of its input elements, as the client makes them, or of its
// logits.
type ciphertexts []ciphertext
