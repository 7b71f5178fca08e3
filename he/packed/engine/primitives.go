package engine

import (
	"context"
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

const (
	// coldBytes is what calibration streams through: more than caches hold, as the
	// keys and diagonals of a network are.
	coldBytes = 128 << 20
	// primitiveLimbs is the limbs of the ciphertexts that it works on.
	primitiveLimbs = 6
	// primitiveRounds is how often each primitive is timed, primitiveTime for how
	// long at least.
	primitiveRounds = 11
	primitiveTime   = 6 * time.Millisecond
)

// Primitives measures them with the engine's own passes, all workers together:
// transforms and extensions on as many limbs as a decomposition has, keys and
// diagonals from memory that no cache holds. They are timed in turn, in rounds,
// each for as long as the stages of an evaluation take, and the medians taken:
// what else runs on the machine then slows them down as it does evaluations. The
// engine needs at least six primes and a special one.
func (e *Engine) Primitives(ctx context.Context) (Primitives, error) {
	b := e.newBench()
	times := make([][]float64, 6)
	passes := []pass{b.sections(), b.transforms(), b.extensions(), b.moves(), b.rotations(), b.products()}
	for round := range primitiveRounds + 1 {
		for i, p := range passes {
			if err := ctx.Err(); err != nil {
				return Primitives{}, err
			}
			start, n := time.Now(), 0
			for ; n == 0 || time.Since(start) < primitiveTime; n++ {
				p.f()
			}
			if round > 0 { // the first warms up
				times[i] = append(times[i], float64(time.Since(start).Nanoseconds())*float64(e.workers)/(float64(n)*p.units))
			}
		}
	}
	median := func(i int) float64 {
		slices.Sort(times[i])
		return times[i][len(times[i])/2]
	}
	t := Primitives{Section: median(0), NTT: median(1), Extend: median(2), Move: median(3), Product: median(5)}
	// A rotation moves both polynomials and adds one; its key takes the rest.
	t.Key = max(median(4)-3*t.Move/primitiveLimbs, median(4)/2)
	return t, nil
}

// bench is what primitives are measured on.
type bench struct {
	*Engine
	all    []*modulus
	digits Digits
	x, out Ciphertext
	cold   []Poly // as many as no cache holds
	moved  *mod.Permutation
	idle   []uint64
}

// pass is work of so many units.
type pass struct {
	units float64
	f     func()
}

func (e *Engine) newBench() *bench {
	b := &bench{Engine: e, all: e.extended(primitiveLimbs), idle: make([]uint64, e.workers)}
	r := rand.New(rand.NewPCG(1, 2))
	n := len(b.all)
	random := func() Poly {
		p := e.NewPoly(n)
		for i, l := range p {
			for k := range l {
				l[k] = r.Uint64N(b.all[i].Q)
			}
		}
		return p
	}
	for range primitiveLimbs {
		b.digits = append(b.digits, random())
	}
	b.x, b.out = Ciphertext{random(), random()}, Ciphertext{random(), random()}
	b.cold = make([]Poly, max(2*primitiveLimbs, coldBytes/(8*e.n*n)))
	for i := range b.cold {
		b.cold[i] = e.NewPoly(n)
		for k := range b.cold[i] {
			copy(b.cold[i][k], b.x[0][k])
		}
	}
	var err error
	if b.moved, err = e.permutation(5); err != nil {
		panic(err) // 5 generates the rotations of every ring
	}
	return b
}

func (b *bench) sections() pass {
	const count = 50
	return pass{count, func() {
		for range count {
			b.parallel(b.workers, func(i int) { b.idle[i]++ })
		}
	}}
}

// transforms leave reduced words, as they find them.
func (b *bench) transforms() pass {
	n := len(b.all)
	tasks := len(b.digits) * n
	return pass{float64(tasks), func() {
		b.parallel(tasks, func(i int) { b.all[i%n].forward(b.digits[i/n][i%n]) })
	}}
}

func (b *bench) extensions() pass {
	n := len(b.all) - 1
	c := b.converter(b.all[:1], b.all[1:])
	tasks := len(b.digits) * n
	return pass{float64(tasks), func() {
		b.parallel(tasks, func(i int) { c.convert(i%n, b.digits[i/n][1+i%n], Poly{b.x[0][0]}) })
	}}
}

func (b *bench) moves() pass {
	n := len(b.all)
	return pass{float64(2 * n), func() {
		b.passes(n, func(i, from, to int) {
			for h := range b.x {
				b.moved.Scatter(b.all[i].Modulus, b.out[h][i], b.x[h][i][from:to], from, true)
			}
		})
	}}
}

// rotations go through memory once, as the keys of hoisted ones.
func (b *bench) rotations() pass {
	n, keys := len(b.all), len(b.cold)/(2*primitiveLimbs)
	var all []rotation
	for k := range keys {
		g := &rlwe.GadgetCiphertext{}
		for j := range primitiveLimbs {
			half := func(h int) ringqp.Poly {
				p := b.cold[2*primitiveLimbs*k+2*j+h]
				return ringqp.Poly{Q: ring.Poly{Coeffs: [][]uint64(p[:primitiveLimbs])}, P: ring.Poly{Coeffs: [][]uint64(p[primitiveLimbs:])}}
			}
			g.Value = append(g.Value, []rlwe.VectorQP{{half(0), half(1)}})
		}
		all = append(all, rotation{g, b.moved})
	}
	return pass{float64(keys * primitiveLimbs * n), func() {
		b.passes(n, func(i, from, to int) {
			scratch := Poly{b.pool.limb(), b.pool.limb()}
			for _, r := range all {
				b.rotate(b.digits, r, b.x[0][i], i, primitiveLimbs, b.all[i], [2][]uint64{b.out[0][i], b.out[1][i]}, scratch, from, to, false)
			}
			b.Free(scratch)
		})
	}}
}

// products go through memory once, as the diagonals of giant steps.
func (b *bench) products() pass {
	const giant = 16
	n := len(b.all)
	terms := make([][]mod.Term, n)
	for i := range terms {
		for k, p := range b.cold {
			j := k % (len(b.digits) - 1)
			terms[i] = append(terms[i], mod.Term{S: p[i], A: b.digits[j][i], B: b.digits[j+1][i]})
		}
	}
	return pass{float64(len(b.cold) * n), func() {
		b.passes(n, func(i, from, to int) {
			for k := 0; k < len(b.cold); k += giant {
				b.all[i].Inner(b.out[0][i][from:to], b.out[1][i][from:to], terms[i][k:min(k+giant, len(b.cold))], from)
			}
		})
	}}
}
