package tfhe

import (
	"context"
	"fmt"
	"math"
	"testing"
)

// A rotation turns every coefficient of the test polynomial, in all accumulators, to where
// the mask, the key and the body say, for every number of key bits a step, which need not
// divide the dimension, and of accumulators, with several look-ups at once.
func TestInsecureRotation(t *testing.T) {
	rng := seeded(3)
	for _, logN := range []int{8, 10} { // one block and two
		for group := 1; group <= 3; group++ {
			for accumulators := range 4 {
				for _, logQ := range []int{50, 54} {
					l := ParametersLiteral{LogN: logN, LogQ: logQ, Ring: [2]Digits{{16, 2}, {14, 3}}, Dimension: 8, Group: group, LogAccumulators: accumulators, LogSmallQ: 24, Switch: Digits{4, 4}}
					t.Run(fmt.Sprintf("N=2^%d/group=%d/K=2^%d/logQ=%d", logN, group, accumulators, logQ), func(t *testing.T) {
						p := mustParameters(t, l)
						k := NewSecretKey(p)
						keys, err := k.evaluationKeys(context.Background(), [32]byte{}, 2)
						if err != nil {
							t.Fatal(err)
						}
						const lookups = 2
						r := newRotator(p, keys, lookups)
						tab := &table{values: []int64{1, -7, 3, 5, 5, 0, 2, 9}}
						var cts []smallKey
						var want [][]uint64
						for i := range lookups {
							c := make(smallKey, p.Dimension+1)
							by := uint32(0)
							for j := range c {
								c[j] = uint32(rng.IntN(2 * p.positions()))
								if j < p.Dimension {
									by += c[j] * uint32(k.smallKey[j])
								} else {
									by += c[j]
								}
							}
							cts = append(cts, c)
							r.start(i, tab, 8, c[p.Dimension], 8)
							turned := make([]uint64, p.positions())
							rotate(turned, r.flat, 2*p.positions()-int(by)&(2*p.positions()-1), p.q)
							want = append(want, turned)
						}
						if err := r.rotateAll(cts, func() error { return nil }); err != nil {
							t.Fatal(err)
						}
						limit := 10 * math.Sqrt(p.rotation()) * float64(p.q)
						for i := range lookups {
							all := r.accumulators(i)
							for j, acc := range all {
								phase := phases(k, acc)
								for x, got := range phase {
									w := want[i][x*len(all)+j]
									if off := p.centre((got + p.q - w) % p.q); math.Abs(float64(off)) > limit {
										t.Fatalf("look-up %d, accumulator %d, coefficient %d is off by %d, ten deviations are %.0f", i, j, x, off, limit)
									}
								}
							}
						}
					})
				}
			}
		}
	}
}

// phases are the coefficients of c_0 + c_1 S.
func phases(k *SecretKey, c [2][]uint64) []uint64 {
	p := k.params
	x := append([]uint64(nil), c[1]...)
	p.forward(x)
	p.ring.SubRings[0].MulCoeffsMontgomery(x, k.ntt, x)
	p.inverse(x)
	for i := range x {
		x[i] = (x[i] + c[0][i]) % p.q
	}
	return x
}
