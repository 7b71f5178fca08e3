package bgv

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/bundle/bundletest"
	"qtool/he/internal/sample"
	"qtool/he/wire"
	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
	"qtool/kernel/mod"
)

// TestInsecureCiphertextsAreTheSameAtEveryLevel encrypts and evaluates with the
// same key and randomness and all kernels that the machine has.
func TestInsecureCiphertextsAreTheSameAtEveryLevel(t *testing.T) {
	for name, b := range map[string]*bundletest.Builder{
		"squares":     bundletest.New(20, 4, 2, 8, 8).Conv(5, 3, 1, 0, 7).Square().Pool(2, 2).Dense(19, 7).Square().Dense(3, 7),
		"polynomials": bundletest.New(21, 4, 1, 6, 6).Conv(2, 3, 1, 0, 7).Polynomials(9, 2, 1).Pool(2, 2).Dense(3, 7).Polynomial(3, 9).Dense(2, 7),
		"heavy":       bundletest.New(22, 4, 40).Dense(5, 1<<20).Square().Dense(3, 1<<30),
	} {
		for _, moduli := range []int{2, 4} {
			t.Run(fmt.Sprintf("%s/%d", name, moduli), func(t *testing.T) {
				p := b.Done()
				first := mustPlan(t, p, insecureOptions(10, moduli))
				secret := rlwe.NewKeyGenerator(first.params).GenSecretKeyNew()
				samples := b.Samples(700)
				var want [2][][]uint64
				for _, level := range cputest.Levels(t, cpu.IFMA) {
					plan, err := build(p, first.circuit, first.layout, 0, level)
					if err != nil {
						t.Fatal(err)
					}
					client, server := newClient(plan.half, wire.KeyID{}, secret), newEvaluator(plan)
					var in ciphertexts
					var out ciphertexts
					if err := client.encryptBatch(context.Background(), samples, 1, &seeds{sample.Seed{1}, sample.Seed{2}}, &in); err != nil {
						t.Fatal(err)
					}
					if err := server.evaluate(context.Background(), &in, &out); err != nil {
						t.Fatal(err)
					}
					for i, got := range [][][]uint64{in.limbs, out.limbs} {
						if level == cpu.Portable {
							want[i] = got
						} else if !slices.EqualFunc(got, want[i], slices.Equal) {
							t.Errorf("%v: %s differ", level, []string{"inputs", "outputs"}[i])
						}
					}
				}
			})
		}
	}
}

// TestRescaleIsItsDefinition divides integers.
func TestRescaleIsItsDefinition(t *testing.T) {
	p := bundletest.New(23, 4, 8).Dense(6, 7).Square().Dense(5, 7).Square().Dense(3, 7).Done()
	good := mustPlan(t, p, insecureOptions(11, 1))
	r := bundletest.Rand(24)
	if len(good.layout.q) < 3 {
		t.Fatalf("%d primes", len(good.layout.q))
	}
	for _, level := range cputest.Levels(t, cpu.IFMA) {
		for drop := 1; drop < len(good.layout.q); drop++ {
			plan, err := build(p, good.circuit, good.layout, 0, level)
			if err != nil {
				t.Fatal(err)
			}
			moduli := plan.moduli
			w := plan.newWorker()
			x := make([]tensor, len(moduli)) // of one polynomial
			values := make([]*big.Int, plan.Slots())
			whole, last := product(plan.layout.q), product(plan.layout.q[len(moduli)-drop:])
			for k := range values {
				// Products of the primes, halves of those, and what is beside them.
				v := new(big.Int).Mul(last, big.NewInt(r.Int64N(1000)))
				values[k] = v.Add(v, new(big.Int).Rsh(last, uint(r.IntN(3)))).Add(v, big.NewInt(r.Int64N(5)-2)).Mod(v, whole)
			}
			for i, m := range moduli {
				y := make([]uint64, plan.Slots())
				for k, v := range values {
					y[k] = new(big.Int).Mod(v, new(big.Int).SetUint64(m.Q)).Uint64()
				}
				plan.transforms[i].Forward(y)
				x[i].reset(plan.Slots(), 1, 0, 1)
				x[i].scatter(y, 0, 0, 0)
			}
			keep := len(moduli) - drop
			r, d := newRescaler(moduli[keep:], moduli[:keep]), newDigits(plan.Slots(), 1, drop)
			for i := len(moduli) - 1; i >= 0; i-- {
				if i >= keep {
					w.drop(plan.transforms[i], r, &d, i-keep, &x[i], 0, 1)
				} else {
					w.rescale(plan.transforms[i], &r.limbs[i], &d, &x[i], 0, 1)
				}
			}
			half := new(big.Int).Rsh(last, 1)
			for i, m := range moduli[:len(moduli)-drop] {
				y := make([]uint64, plan.Slots())
				x[i].gather(y, 0, 0, 0)
				plan.transforms[i].Inverse(y)
				for k, v := range values {
					want := new(big.Int).Add(v, half)
					want.Quo(want, last).Mod(want, new(big.Int).SetUint64(m.Q))
					if y[k] != want.Uint64() {
						t.Fatalf("%v, %d primes dropped, limb %d: %v becomes %d, want %v", level, drop, i, v, y[k], want)
					}
				}
			}
		}
	}
}

// TestLiftIsItsDefinition takes integers from their residues.
func TestLiftIsItsDefinition(t *testing.T) {
	r := bundletest.Rand(25)
	for _, level := range cputest.Levels(t, cpu.IFMA) {
		for n := 1; n <= 4; n++ {
			var moduli []*mod.Modulus
			var primes []uint64
			for _, q := range []uint64{140737487306753, 786433, 576460752303415297, 70368743669761}[:n] {
				moduli, primes = append(moduli, mod.NewAt(level, q)), append(primes, q)
			}
			lift := newRescaler(moduli, []*mod.Modulus{mod.NewAt(level, 34359214081)})
			whole := product(primes)
			half := new(big.Int).Rsh(whole, 1)
			values := make([]*big.Int, 64)
			largest := new(big.Int)
			for k := range values {
				v := new(big.Int).Rsh(whole, uint(r.IntN(whole.BitLen()+1)))
				if k == 0 {
					v.Set(half)
				}
				if v.Cmp(half) > 0 {
					v.Sub(v, whole)
				}
				if r.IntN(2) == 0 {
					v.Neg(v)
				}
				values[k] = v
			}
			for _, some := range [][]*big.Int{values[1:], values[:1]} {
				x := make([][]uint64, n)
				largest.SetInt64(0)
				for _, v := range some {
					for j, q := range primes {
						x[j] = append(x[j], new(big.Int).Mod(v, new(big.Int).SetUint64(q)).Uint64())
					}
					if v.CmpAbs(largest) > 0 {
						largest.Abs(v)
					}
				}
				got, spare := make([]uint64, len(some)), make([]uint64, len(some))
				lift.digits(x, spare)
				lift.limbs[0].residue(got, x, spare)
				for k, v := range some {
					if want := new(big.Int).Mod(v, big.NewInt(34359214081)); got[k] != want.Uint64() {
						t.Fatalf("%v, %d primes: %v becomes %d, want %v", level, n, v, got[k], want)
					}
				}
				want, _ := new(big.Float).SetInt(largest).Float64()
				if got := lift.largest(x); math.Abs(got-want) > 1e-14*want {
					t.Errorf("%v, %d primes: largest %v, want %v", level, n, got, want)
				}
			}
		}
	}
}
