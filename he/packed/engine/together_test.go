package engine

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/ring/ringqp"
)

// randomKeys are uniform words: results are then no messages, but as much a function of
// their inputs.
type randomKeys struct {
	e     *Engine
	r     *rand.Rand
	limbs int
	made  map[int]*rlwe.GadgetCiphertext
}

func (k *randomKeys) key(slots int) *rlwe.GadgetCiphertext {
	if k.made[slots] == nil {
		half := func() ringqp.Poly {
			x := k.e.random(k.r, k.e.extended(k.limbs))
			return ringqp.Poly{Q: ring.Poly{Coeffs: [][]uint64(x[:k.limbs])}, P: ring.Poly{Coeffs: [][]uint64(x[k.limbs:])}}
		}
		g := &rlwe.GadgetCiphertext{}
		for range k.e.digits(k.limbs) {
			g.Value = append(g.Value, []rlwe.VectorQP{{half(), half()}})
		}
		k.made[slots] = g
	}
	return k.made[slots]
}

func (k *randomKeys) Rotation(slots int) (*rlwe.GadgetCiphertext, uint64) {
	element := uint64(1)
	for range slots {
		element = element * 5 % k.e.nthRoot
	}
	return k.key(slots), element
}

func (k *randomKeys) Relinearisation() *rlwe.GadgetCiphertext { return k.key(-1) }

func (e *Engine) random(r *rand.Rand, moduli []*modulus) Poly {
	p := make(Poly, len(moduli))
	for i, m := range moduli {
		p[i] = make([]uint64, e.n)
		for k := range p[i] {
			p[i][k] = r.Uint64N(m.Q)
		}
	}
	return p
}

func copied(all []Ciphertext) []Ciphertext {
	var out []Ciphertext
	for _, c := range all {
		var d Ciphertext
		for _, p := range c {
			var x Poly
			for _, l := range p {
				x = append(x, slices.Clone(l))
			}
			d = append(d, x)
		}
		out = append(out, d)
	}
	return out
}

func wantEqual(t *testing.T, what string, got, want Ciphertext) {
	t.Helper()
	if !slices.EqualFunc(got, want, func(a, b Poly) bool { return slices.EqualFunc(a, b, slices.Equal) }) {
		t.Errorf("%s differs", what)
	}
}

// Ciphertexts that are evaluated together come out as they do one by one, to the bit: more
// of them than are decomposed at a time, with one and two special primes, outputs without
// products and inputs without rotations among them.
func TestInsecureTogether(t *testing.T) {
	for _, logP := range [][]int{{45}, {45, 46}} {
		e := testEngine(t, []int{40, 41, 42, 43}, logP)
		const limbs = 3
		r := rand.New(rand.NewPCG(1, uint64(len(logP))))
		keys := &randomKeys{e, r, limbs, map[int]*rlwe.GadgetCiphertext{}}
		fresh := func(n, polys int) []Ciphertext {
			all := make([]Ciphertext, n)
			for i := range all {
				for range polys {
					all[i] = append(all[i], e.random(r, e.q[:limbs]))
				}
			}
			return all
		}
		diagonal := func() Poly { return e.random(r, e.extended(limbs)) }
		linear := func() *Linear {
			return &Linear{Limbs: limbs, Rescale: 1, Extended: true, Babies: [][]int{{0, 1, 2}, {0}, {3}}, Outputs: [][]Giant{
				{{0, []Product{{0, 0, diagonal()}, {0, 2, diagonal()}, {1, 0, diagonal()}}}, {8, []Product{{0, 1, diagonal()}}}},
				{},
				{{8, []Product{{2, 0, diagonal()}, {0, 1, diagonal()}}}},
			}}
		}
		maps := []*Linear{linear(), linear(), linear(), linear(), linear()}
		var in [][]Ciphertext
		for range maps {
			in = append(in, fresh(3, 2))
		}
		got, err := e.ApplyAll(t.Context(), maps, in, keys)
		if err != nil {
			t.Fatal(err)
		}
		for s, l := range maps {
			want, err := e.Apply(t.Context(), l, in[s], keys)
			if err != nil {
				t.Fatal(err)
			}
			for k := range want {
				wantEqual(t, "a map", got[s][k], want[k])
			}
			for _, x := range slices.Concat(got[s][1]...) {
				if slices.Max(x) != 0 {
					t.Fatal("an output without products is not zero")
				}
			}
		}
		sums := fresh(together+2, 2)
		alone := copied(sums)
		if err := e.SumRotations(t.Context(), sums, 2, []int{2, 1}, keys); err != nil {
			t.Fatal(err)
		}
		products := fresh(together+2, 3)
		again := copied(products)
		relinearised, err := e.Relinearise(t.Context(), products, keys)
		if err != nil {
			t.Fatal(err)
		}
		for k := range sums {
			if err := e.SumRotations(t.Context(), alone[k:k+1], 2, []int{2, 1}, keys); err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "a sum of rotations", sums[k], alone[k])
			one, err := e.Relinearise(t.Context(), again[k:k+1], keys)
			if err != nil {
				t.Fatal(err)
			}
			wantEqual(t, "a relinearised product", relinearised[k], one[0])
		}
	}
}
