package rns

import (
	"math"
	"math/big"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/utils/sampling"

	"qtool/he/internal/sample"
)

const testT = 12289

// testInsecureRing has primes of several lengths in a ring far too small.
func testInsecureRing(t testing.TB) *Ring {
	t.Helper()
	bits := []int{36, 30, 25, 31, 44, 30, 30, 31, 28}
	var primes []uint64
	used := map[uint64]bool{}
	for _, b := range bits {
		g := ring.NewNTTFriendlyPrimesGenerator(uint64(b), 1<<11)
		for {
			q, err := g.NextDownstreamPrime()
			if err != nil {
				t.Fatal(err)
			}
			if !used[q] {
				used[q] = true
				primes = append(primes, q)
				break
			}
		}
	}
	g := ring.NewNTTFriendlyPrimesGenerator(50, 1<<11)
	special, err := g.NextDownstreamPrimes(2)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewRing(10, testT, primes, special)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// encrypt is a ciphertext of the small polynomial m modulo n primes.
func encrypt(t testing.TB, r *Ring, secret *rlwe.SecretKey, m []int64, n int) [2]Poly {
	t.Helper()
	prng, err := sampling.NewPRNG()
	if err != nil {
		t.Fatal(err)
	}
	q := r.params.RingQ().AtLevel(n - 1)
	c1 := ring.NewUniformSampler(prng, q).ReadNew()
	c0 := ring.NewGaussianSampler(prng, q, rlwe.DefaultXe, false).ReadNew()
	for i := range n {
		s, q := r.params.RingQ().SubRings[i], r.moduli[i]
		inverseT := q.Inverse(testT)
		for k, v := range m {
			c0.Coeffs[i][k] = ring.CRed(c0.Coeffs[i][k]+q.Mul(q.Residue(v), inverseT), s.Modulus)
		}
		s.NTT(c0.Coeffs[i], c0.Coeffs[i])
		s.MulCoeffsMontgomeryThenSub(c1.Coeffs[i], secret.Value.Q.Coeffs[i], c0.Coeffs[i])
	}
	return [2]Poly{Poly(c0.Coeffs), Poly(c1.Coeffs)}
}

// decrypt is T times the phase, centred, modulo T, and log2 of the largest.
func decrypt(r *Ring, secret *rlwe.SecretKey, c [2]Poly, n int) (m []uint64, largest int) {
	q := r.params.RingQ().AtLevel(n - 1)
	phase := q.NewPoly()
	for i := range n {
		s := r.params.RingQ().SubRings[i]
		s.MulCoeffsMontgomery(c[1][i], secret.Value.Q.Coeffs[i], phase.Coeffs[i])
		s.Add(phase.Coeffs[i], c[0][i], phase.Coeffs[i])
		s.INTT(phase.Coeffs[i], phase.Coeffs[i])
		r.moduli[i].Scale(phase.Coeffs[i], phase.Coeffs[i], r.moduli[i].Factor(testT))
	}
	v := make([]*big.Int, r.N())
	for k := range v {
		v[k] = new(big.Int)
	}
	q.PolyToBigintCentered(phase, 1, v)
	m = make([]uint64, r.N())
	for k, x := range v {
		largest = max(largest, x.BitLen())
		m[k] = new(big.Int).Mod(x, big.NewInt(testT)).Uint64()
	}
	return m, largest
}

// multiply is the product modulo X^N+1 and T.
func multiply(a, b []int64) []uint64 {
	n := len(a)
	sum := make([]int64, n)
	for i, x := range a {
		if x == 0 {
			continue
		}
		for k, y := range b {
			if i+k < n {
				sum[i+k] += x * y
			} else {
				sum[i+k-n] -= x * y
			}
		}
	}
	out := make([]uint64, n)
	for k, x := range sum {
		out[k] = uint64((x%testT + testT) % testT)
	}
	return out
}

func randomSmall(r *rand.Rand, n int) []int64 {
	m := make([]int64, n)
	for k := range m {
		m[k] = int64(r.IntN(testT)) - testT/2
	}
	return m
}

func equalScaled(t *testing.T, what string, got, want []uint64, r *Ring, dropped []int) {
	t.Helper()
	scale := uint64(1)
	for _, i := range dropped {
		scale = scale * (r.moduli[i].Q % testT) % testT
	}
	for k := range want {
		if got[k]*scale%testT != want[k] {
			t.Fatalf("%s: coefficient %d is %d after scaling, want %d", what, k, got[k]*scale%testT, want[k])
		}
	}
}

// Products, sums of tensors, relinearisation, and division before and after it give
// the product of the plaintexts, with no more noise than expected.
func TestInsecureProducts(t *testing.T) {
	r := testInsecureRing(t)
	random := rand.New(rand.NewPCG(1, 2))
	secret := rlwe.NewKeyGenerator(r.params).GenSecretKeyNew()
	scratch := r.NewScratch(9)
	for _, digitBits := range []float64{20, 100, 120} {
		key := r.NewSwitchingKey(Square, secret, digits(r, digitBits), sample.NewSeed())
		for _, c := range []struct{ n, drop int }{{9, 1}, {9, 2}, {8, 1}, {6, 3}, {5, 2}, {4, 1}, {3, 1}} {
			a, b := randomSmall(random, r.N()), randomSmall(random, r.N())
			ca, cb := encrypt(t, r, secret, a, c.n), encrypt(t, r, secret, b, c.n)
			d := [3]Poly{r.rows(c.n), r.rows(c.n), r.rows(c.n)}
			r.Tensor(&d, &ca, &cb, c.n, false)
			want := multiply(a, b)
			e, err := r.NewSwitcher(Square, key, c.n, c.drop)
			if err != nil {
				t.Fatal(err)
			}
			out := [2]Poly{r.rows(c.n - c.drop), r.rows(c.n - c.drop)}
			e.Apply(&out, &d, scratch)
			dropped := span(c.n-c.drop, c.n)
			got, largest := decrypt(r, secret, out, c.n-c.drop)
			equalScaled(t, "relinearised", got, want, r, dropped)
			// 2^41.5 is the size of V before it is divided by one prime at least.
			if digits := float64(largest); digits > max(22, 46-logProduct(r, dropped)) {
				t.Errorf("%d limbs less %d, digits of %v bits: noise of %d bits", c.n, c.drop, digitBits, largest)
			}

			// 2ab + a: two tensors and a ciphertext whose factor is right, divided
			// before they are relinearised.
			if c.n-c.drop < 3 {
				continue
			}
			r.Tensor(&d, &ca, &cb, c.n, true)
			r.Add(d[0], ca[0])
			r.Add(d[1], ca[1])
			for k := range want {
				want[k] = (2*want[k] + uint64(a[k]+testT)) % testT
			}
			divide := r.NewDivider(c.n, c.drop)
			for k := range d {
				divide.Apply(d[k], d[k], scratch)
			}
			n := c.n - c.drop
			next, err := r.NewSwitcher(Square, key, n, 1)
			if err != nil {
				t.Fatal(err)
			}
			next.Apply(&out, &d, scratch)
			got, _ = decrypt(r, secret, out, n-1)
			equalScaled(t, "divided tensor", got, want, r, span(n-1, c.n))

			for k := range ca {
				divide.Apply(ca[k], ca[k], scratch)
			}
			got, _ = decrypt(r, secret, ca, n)
			for k := range want {
				want[k] = uint64(a[k]+testT) % testT
			}
			equalScaled(t, "divided", got, want, r, dropped)
		}
	}
}

// The image under X -> X^-1 comes back to the secret key, with a key for the first primes of
// the chain, with and without a division.
func TestInsecureConjugate(t *testing.T) {
	r := testInsecureRing(t)
	random := rand.New(rand.NewPCG(3, 4))
	secret := rlwe.NewKeyGenerator(r.params).GenSecretKeyNew()
	scratch := r.NewScratch(9)
	for _, groups := range [][][]int{{{0, 1}, {2}, {3, 4}}, digits(r, 60)} {
		key := r.NewSwitchingKey(Conjugate, secret, groups, sample.NewSeed())
		for _, c := range []struct{ n, drop int }{{5, 0}, {5, 1}, {4, 0}, {2, 0}} {
			a := randomSmall(random, r.N())
			ca := encrypt(t, r, secret, a, c.n)
			d := [3]Poly{r.rows(c.n), nil, r.rows(c.n)}
			r.Conjugate(d[0], ca[0])
			r.Conjugate(d[2], ca[1])
			e, err := r.NewSwitcher(Conjugate, key, c.n, c.drop)
			if err != nil {
				t.Fatal(err)
			}
			out := [2]Poly{r.rows(c.n - c.drop), r.rows(c.n - c.drop)}
			e.Apply(&out, &d, scratch)
			// The coefficients of X^k and X^(N-k) = -X^-k change places.
			want := make([]uint64, r.N())
			for k, v := range a {
				if k > 0 {
					v = -v
				}
				want[(r.N()-k)%r.N()] = uint64(v+testT) % testT
			}
			got, largest := decrypt(r, secret, out, c.n-c.drop)
			equalScaled(t, "conjugated", got, want, r, span(c.n-c.drop, c.n))
			if largest > 24 {
				t.Errorf("%d limbs less %d: noise of %d bits", c.n, c.drop, largest)
			}
		}
	}
	// X^(N/2) is a root of -1, and takes both signs.
	for i := range r.moduli {
		m, u := r.moduli[i], r.Unit(i)
		x := make([]uint64, r.N())
		x[r.N()/2] = 1
		r.transforms[i].Forward(x)
		for k, v := range x {
			if want := []uint64{u, m.Q - u}[2*k/r.N()]; v != want {
				t.Fatalf("prime %d: word %d of X^(N/2) is %d, want %d", m.Q, k, v, want)
			}
		}
	}
}

// A key of other parameters, or a part of one, is refused.
func TestInsecureKeyOfOtherParameters(t *testing.T) {
	r := testInsecureRing(t)
	secret := rlwe.NewKeyGenerator(r.params).GenSecretKeyNew()
	seed := sample.NewSeed()
	key := r.NewSwitchingKey(Square, secret, digits(r, 100), seed)
	next := 0
	again := r.ReadKey(Square, digits(r, 100), seed, func(n int, q uint64) []uint64 {
		next++
		return key.Bodies()[next-1]
	})
	if !reflect.DeepEqual(again, key) {
		t.Error("a key is not what its bodies and the seed of its masks say")
	}
	if _, err := r.NewSwitcher(Conjugate, key, 9, 1); err == nil {
		t.Error("a key of another source is accepted")
	}
	if _, err := r.NewSwitcher(Square, r.NewSwitchingKey(Square, secret, digits(r, 100)[:1], seed), 9, 1); err == nil {
		t.Error("a key of too few primes is accepted")
	}
	if _, err := r.NewSwitcher(Square, nil, 9, 1); err == nil {
		t.Error("no key is accepted")
	}
	other := *key
	other.primes = append([]uint64{}, key.primes[1:]...)
	if _, err := r.NewSwitcher(Square, &other, 9, 1); err == nil {
		t.Error("a key of other primes is accepted")
	}
	other = *key
	other.parts[1] = append(Poly{key.parts[1][0][1:]}, key.parts[1][1:]...)
	if _, err := r.NewSwitcher(Square, &other, 9, 1); err == nil {
		t.Error("a truncated key is accepted")
	}
}

// digits groups the chain's limbs into digits: as few as keep below bits bits, or one prime
// each where that is longer.
func digits(r *Ring, bits float64) (groups [][]int) {
	sum := 0.0
	for i, m := range r.moduli[:r.chain] {
		b := math.Log2(float64(m.Q))
		if len(groups) == 0 || sum+b > bits {
			groups, sum = append(groups, nil), 0
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], i)
		sum += b
	}
	return groups
}

// logProduct is log2 of a product of primes.
func logProduct(r *Ring, primes []int) (sum float64) {
	for _, k := range primes {
		sum += math.Log2(float64(r.moduli[k].Q))
	}
	return sum
}
