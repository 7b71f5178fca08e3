package engine

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/ring/ringqp"

	"qtool/kernel/mod"
)

// Primitives are nanoseconds of one worker per unit of lower.Work, while all
// workers are busy.
type Primitives struct{ NTT, Extend, Product, Key, Move, Section float64 }

// coldBytes is what calibration streams through: more than caches hold, as the
// keys and diagonals of a network are.
const coldBytes = 128 << 20

// Primitives measures them with the engine's own passes, all workers together:
// transforms and extensions on as many limbs as a decomposition has, keys and
// diagonals from memory that no cache holds. It takes the median of repeats, as
// what else runs on the machine slows down evaluations too. The engine needs at
// least six primes and a special one.
func (e *Engine) Primitives() Primitives {
	const repeats = 9
	limbs := 6
	all := e.extended(limbs)
	r := rand.New(rand.NewPCG(1, 2))
	random := func(p Poly) Poly {
		for i, l := range p {
			q := all[i%len(all)].Q
			for k := range l {
				l[k] = r.Uint64N(q)
			}
		}
		return p
	}
	// median is that of the nanoseconds f takes all workers, of one unit.
	median := func(units float64, f func(repeat int)) float64 {
		var times []float64
		for k := range repeats + 1 {
			start := time.Now()
			f(k)
			if k > 0 { // the first warms up
				times = append(times, float64(time.Since(start).Nanoseconds()))
			}
		}
		slices.Sort(times)
		return times[repeats/2] * float64(e.workers) / units
	}
	var t Primitives
	nothing := make([]uint64, e.workers)
	t.Section = median(50, func(int) {
		for range 50 {
			e.parallel(e.workers, func(i int) { nothing[i]++ })
		}
	})

	n := len(all)
	c := random(e.NewPoly(limbs))
	d := make(Digits, limbs)
	for j := range d {
		d[j] = random(e.NewPoly(n))
	}
	tasks := limbs * n
	t.NTT = median(float64(tasks), func(int) {
		e.parallel(tasks, func(i int) { all[i%n].forward(d[i/n][i%n]) })
	})
	center := e.converter(e.q[:1], all[1:])
	t.Extend = median(float64(limbs*(n-1)), func(int) {
		e.parallel(limbs*(n-1), func(i int) { center.convert(i%(n-1), d[i/(n-1)][i%(n-1)], Poly{c[0]}) })
	})
	for j := range d {
		random(d[j]) // reduced again
	}

	// As many polynomials as no cache holds; half of a key's are those of one
	// half.
	cold := make([]Poly, max(2*limbs, coldBytes/(8*e.n*n)))
	first := random(e.NewPoly(n))
	for i := range cold {
		cold[i] = e.NewPoly(n)
		for k := range cold[i] {
			copy(cold[i][k], first[k])
		}
	}
	out := Ciphertext{random(e.NewPoly(n)), random(e.NewPoly(n))}
	keys := len(cold) / (2 * limbs)
	key := func(k int) *rlwe.GadgetCiphertext {
		g := &rlwe.GadgetCiphertext{}
		for j := range limbs {
			half := func(h int) ringqp.Poly {
				p := cold[k%keys*2*limbs+2*j+h]
				return ringqp.Poly{Q: ring.Poly{Coeffs: [][]uint64(p[:limbs])}, P: ring.Poly{Coeffs: [][]uint64(p[limbs:])}}
			}
			g.Value = append(g.Value, []rlwe.VectorQP{{half(0), half(1)}})
		}
		return g
	}
	p, err := e.permutation(5)
	if err != nil {
		panic(err) // 5 generates the rotations of every ring
	}
	x := [2]Poly{random(e.NewPoly(n)), random(e.NewPoly(n))}
	t.Move = median(float64(2*n), func(int) {
		e.passes(n, func(i, from, to int) {
			for h := range x {
				p.Scatter(all[i].Modulus, out[h][i], x[h][i][from:to], from, true)
			}
		})
	}) - t.Section/float64(2*n)
	// As many rotations as there are keys, once through memory.
	rotations := median(float64(keys*limbs*n), func(int) {
		e.passes(n, func(i, from, to int) {
			for k := range keys {
				e.rotate(d, rotation{key(k), p}, x[0][i], i, limbs, all[i], [2][]uint64{out[0][i], out[1][i]}, from, to, false)
			}
		})
	})
	t.Key = rotations - 3*t.Move/float64(limbs)

	// Sums of products with hot inputs.
	terms := make([][]mod.Term, n)
	for i := range terms {
		for k, p := range cold {
			b := d[k%limbs]
			terms[i] = append(terms[i], mod.Term{S: p[i], A: b[i], B: d[(k+1)%limbs][i]})
		}
	}
	t.Product = median(float64(len(cold)*n), func(int) {
		e.passes(n, func(i, from, to int) {
			for k := 0; k < len(cold); k += 16 {
				all[i].Inner(out[0][i][from:to], out[1][i][from:to], terms[i][k:min(k+16, len(cold))], from)
			}
		})
	})
	return t
}
