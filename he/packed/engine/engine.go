package engine

import (
	"fmt"
	"sync"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/he/fastntt"
	"qtool/internal/parallel"
	"qtool/kernel/mod"
)

// Poly is one polynomial in the NTT domain: limbs of N coefficients. In the
// extended basis the special limbs follow the limbs of the ciphertext.
type Poly [][]uint64

// Ciphertext has the polynomials c_0, c_1, ... of its phase sum c_i s^i.
type Ciphertext []Poly

// Limbs is the number of primes of its modulus.
func (c Ciphertext) Limbs() int { return len(c[0]) }

// Engine evaluates in one ring. It is safe for concurrent use.
type Engine struct {
	*core
	factor uint64 // of a product; 0: none
}

// core is what engines of one ring share.
type core struct {
	n, workers int
	nthRoot    uint64
	q, p       []*modulus
	pool       pool
	mu         sync.Mutex
	converters map[basis]*converter
	galois     map[uint64]*mod.Permutation // of transforms
}

// New returns an engine for params that uses so many workers. factor
// multiplies every product of ciphertexts: BGV's plaintext modulus, 0 for none.
// Transforms are this project's where they are faster than the transforms of params'
// rings.
func New(params rlwe.Parameters, workers int, factor uint64) (*Engine, error) {
	e := &Engine{&core{n: params.N(), workers: workers, nthRoot: params.RingQ().NthRoot()}, factor}
	for _, s := range params.RingQ().SubRings {
		m, err := newModulus(s)
		if err != nil {
			return nil, err
		}
		e.q = append(e.q, m)
	}
	for _, s := range params.RingP().SubRings {
		m, err := newModulus(s)
		if err != nil {
			return nil, err
		}
		e.p = append(e.p, m)
	}
	for _, m := range append(append([]*modulus{}, e.q...), e.p...) {
		product := uint64(1)
		for _, p := range e.p {
			product = m.Mul(product, p.Q%m.Q)
		}
		m.special = m.Factor(product)
	}
	e.pool.n = e.n
	e.converters = map[basis]*converter{}
	e.galois = map[uint64]*mod.Permutation{}
	return e, nil
}

// With is the engine with another factor. Both share their memory: the one may free
// what the other made.
func (e *Engine) With(factor uint64) *Engine { return &Engine{e.core, factor} }

// modulus is a prime with its transform.
type modulus struct {
	*mod.Modulus
	special   mod.Factor // the special primes' product
	ring      *ring.SubRing
	transform *mod.Transform // nil: the ring's
}

func newModulus(s *ring.SubRing) (*modulus, error) {
	m := &modulus{Modulus: mod.New(s.Modulus), ring: s}
	if fastntt.Serves(s) {
		var err error
		if m.transform, err = fastntt.New(m.Modulus, s); err != nil {
			return nil, fmt.Errorf("engine: %w", err)
		}
	}
	return m, nil
}

// forward transforms x, reduced, in place.
func (m *modulus) forward(x []uint64) {
	if m.transform != nil {
		m.transform.Forward(x)
	} else {
		m.ring.NTT(x, x)
	}
}

// inverse undoes forward, from src to dst, which may be src.
func (m *modulus) inverse(dst, src []uint64) {
	if m.transform == nil {
		m.ring.INTT(src, dst)
		return
	}
	if &dst[0] != &src[0] {
		copy(dst, src)
	}
	m.transform.Inverse(dst)
}

// Special is the number of special primes.
func (e *Engine) Special() int { return len(e.p) }

// extended lists the moduli of the basis of limbs primes and the special ones.
func (e *Engine) extended(limbs int) []*modulus {
	return append(append(make([]*modulus, 0, limbs+len(e.p)), e.q[:limbs]...), e.p...)
}

// parallel does tasks 0..n-1 on the workers.
func (e *Engine) parallel(n int, task func(i int)) { parallel.Each(e.workers, n, task) }

// chunk is the words of a limb that one task of a pass over many limbs takes:
// what it reads again and again then stays in the nearest caches.
const chunk = 1024

// passes does a task for every chunk of limbs 0..limbs-1: for words from up to
// to.
func (e *Engine) passes(limbs int, task func(i, from, to int)) {
	chunks := (e.n + chunk - 1) / chunk
	e.parallel(limbs*chunks, func(t int) {
		k := t % chunks * chunk
		task(t/chunks, k, min(k+chunk, e.n))
	})
}

// permutation is the automorphism's permutation in the NTT domain.
func (e *Engine) permutation(element uint64) (*mod.Permutation, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.galois[element]; p != nil {
		return p, nil
	}
	index, err := ring.AutomorphismNTTIndex(e.n, e.nthRoot, element)
	if err != nil {
		return nil, fmt.Errorf("engine: automorphism %d: %w", element, err)
	}
	p, err := mod.NewPermutation(index)
	if err != nil {
		return nil, fmt.Errorf("engine: automorphism %d: %w", element, err)
	}
	e.galois[element] = p
	return p, nil
}

// pool keeps limbs for reuse: first touches of fresh memory are slow.
type pool struct {
	mu   sync.Mutex
	n    int
	free [][]uint64
}

func (p *pool) limb() []uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := len(p.free); k > 0 {
		l := p.free[k-1]
		p.free = p.free[:k-1]
		return l
	}
	return make([]uint64, p.n)
}

// NewPoly is a polynomial of undefined content.
func (e *Engine) NewPoly(limbs int) Poly {
	p := make(Poly, limbs)
	for i := range p {
		p[i] = e.pool.limb()
	}
	return p
}

// Free gives polynomials back; their limbs must not be used any more.
func (e *Engine) Free(polys ...Poly) {
	e.pool.mu.Lock()
	defer e.pool.mu.Unlock()
	for _, p := range polys {
		e.pool.free = append(e.pool.free, p...)
	}
}

// newZero is the zero polynomial.
func (e *Engine) newZero(limbs int) Poly {
	p := e.NewPoly(limbs)
	e.parallel(limbs, func(i int) { clear(p[i]) })
	return p
}
