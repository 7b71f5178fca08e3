package packed

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/ring/ringqp"

	"qtool/he/packed/engine"
	"qtool/he/packed/keyset"
)

const (
	rehearsals = 7
	// standInBytes bounds the stand-ins of keys and diagonals: more than caches
	// hold. Those of larger plans share memory.
	standInBytes = 512 << 20
)

// rehearse predicts the seconds of every stage's map and activation: it evaluates
// the plan, with all workers, on stand-ins for keys, diagonals and ciphertexts,
// which hold random words where the real ones would be. None of the arithmetic
// looks at what words hold, so that it takes as long. factors are of the plaintext
// primes, 0 of CKKS; the times are one prime's share. One rehearsal warms up; of
// the others the medians are taken, or of fewer where they take seconds.
func (p *common) rehearse(ctx context.Context, factors []uint64) error {
	e, err := engine.New(p.ring, p.options.Workers, 0)
	if err != nil {
		return fmt.Errorf("packed: %w", err)
	}
	m := newStandIns(p)
	keys := m.keys(p)
	var sets []*set
	for _, factor := range factors {
		one := &set{program: m.program(p), engine: e.With(factor), in: make([]engine.Ciphertext, len(p.lowered.Views))}
		for i := range one.in {
			one.in[i] = engine.Ciphertext{m.poly(p.lowered.Limbs), m.poly(p.lowered.Limbs)}
		}
		sets = append(sets, one)
	}
	times := make([][2][]float64, len(p.lowered.Stages))
	for k, start := 0, time.Now(); k <= rehearsals && (k < 3 || time.Since(start) < 3*time.Second); k++ {
		last := time.Now()
		out, err := lockstep(ctx, sets, keys, func(stage, part int) {
			now := time.Now()
			if k > 0 {
				times[stage][part] = append(times[stage][part], now.Sub(last).Seconds()/float64(len(sets)))
			}
			last = now
		})
		if err != nil {
			return err
		}
		for _, c := range slices.Concat(out...) {
			e.Free(c...)
		}
	}
	p.rehearsed = make([][2]float64, len(times))
	for i := range times {
		for part, list := range times[i] {
			slices.Sort(list)
			p.rehearsed[i][part] = list[len(list)/2]
		}
	}
	return nil
}

// standIns hands out limbs of random words below every prime.
type standIns struct {
	limbs [][]uint64
	next  int
}

func newStandIns(p *common) *standIns {
	n := p.ring.N()
	need := p.keyBytes() / int64(8*n)
	for i := range p.lowered.Stages {
		st := &p.lowered.Stages[i]
		need += int64(2 * st.Map.Cts * st.Entry.Limbs)
		for _, t := range st.Map.Terms {
			need += int64(len(t) * (st.Entry.Limbs + len(p.ring.P())))
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	m := &standIns{limbs: make([][]uint64, min(need, standInBytes/int64(8*n)))}
	first := make([]uint64, n)
	for k := range first {
		first[k] = r.Uint64N(1 << (minPrime - 2))
	}
	for i := range m.limbs {
		m.limbs[i] = slices.Clone(first)
	}
	return m
}

func (m *standIns) poly(limbs int) engine.Poly {
	p := make(engine.Poly, limbs)
	for i := range p {
		p[i] = m.limbs[m.next]
		m.next = (m.next + 1) % len(m.limbs)
	}
	return p
}

// keys stand in for the plan's.
func (m *standIns) keys(p *common) *keyset.Set {
	special := len(p.ring.P())
	gadget := func(limbs int) rlwe.GadgetCiphertext {
		var g rlwe.GadgetCiphertext
		half := func() ringqp.Poly {
			x := m.poly(limbs + special)
			return ringqp.Poly{Q: ring.Poly{Coeffs: [][]uint64(x[:limbs])}, P: ring.Poly{Coeffs: [][]uint64(x[limbs:])}}
		}
		for range (limbs + special - 1) / special {
			g.Value = append(g.Value, []rlwe.VectorQP{{half(), half()}})
		}
		return g
	}
	k := &keyset.Set{Galois: map[int]*rlwe.GaloisKey{}}
	for _, step := range p.needs.Sorted() {
		k.Galois[step] = &rlwe.GaloisKey{GaloisElement: p.ring.GaloisElement(step)}
		k.Galois[step].GadgetCiphertext = gadget(p.needs.Rotations[step])
	}
	if p.needs.Relin > 0 {
		k.Relin = &rlwe.RelinearizationKey{}
		k.Relin.GadgetCiphertext = gadget(p.needs.Relin)
	}
	return k
}

// program stands in for the encoded one.
func (m *standIns) program(p *common) *program {
	prog := &program{}
	for i := range p.lowered.Stages {
		st := stage{Stage: &p.lowered.Stages[i]}
		var products [][]*engine.Product
		st.linear, products = linear(st.Stage)
		limbs := st.linear.Limbs
		if st.linear.Extended {
			limbs += len(p.ring.P())
		}
		for _, list := range products {
			for _, product := range list {
				product.Diagonal = m.poly(limbs)
			}
			st.bias = append(st.bias, m.poly(st.After().Limbs))
		}
		prog.stages = append(prog.stages, st)
	}
	return prog
}
