package rns

import (
	"fmt"
	"math"
	"math/big"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/utils/sampling"
)

// RelinearizationKey is for each digit an encryption of F P g_k s^2 modulo QP,
// where g_k is 1 modulo the digit's primes and 0 modulo the others of the chain.
// It is public, and immutable.
type RelinearizationKey struct {
	primes []uint64 // chain and special
	t      uint64
	groups [][]int
	parts  [][2]Poly // NTT domain, Montgomery form
}

// Digits groups the chain's limbs into digits of about equal length: as few
// as keep below bits bits, or one prime each where that is longer.
func (r *Ring) Digits(bits float64) [][]int {
	var groups [][]int
	for i := range r.chain {
		last := len(groups) - 1
		if last >= 0 && r.bits(append(slices.Clone(groups[last]), i)) <= bits {
			groups[last] = append(groups[last], i)
		} else {
			groups = append(groups, []int{i})
		}
	}
	return groups
}

// bits is log2 of a product of primes.
func (r *Ring) bits(primes []int) float64 {
	x := new(big.Float).SetInt(r.modulus(primes))
	mantissa := new(big.Float)
	exponent := x.MantExp(mantissa)
	m, _ := mantissa.Float64()
	return float64(exponent) + math.Log2(m)
}

// NewRelinearizationKey generates the key of a secret, with the given digits of
// consecutive limbs. Masks and errors are fresh from the operating system's
// randomness.
func (r *Ring) NewRelinearizationKey(secret *rlwe.SecretKey, groups [][]int) (*RelinearizationKey, error) {
	prng, err := sampling.NewPRNG()
	if err != nil {
		return nil, fmt.Errorf("rns: seeding the sampler: %w", err)
	}
	key := &RelinearizationKey{primes: r.moduli(), t: r.t, groups: groups}
	qp := r.params.RingQP()
	uniform := ring.NewUniformSampler(prng, qp.RingQ)
	uniformP := ring.NewUniformSampler(prng, qp.RingP)
	gaussian := ring.NewGaussianSampler(prng, qp.RingQ, rlwe.DefaultXe, false)
	s := append(slices.Clone(secret.Value.Q.Coeffs), secret.Value.P.Coeffs...)
	row := make([]uint64, r.N())
	for _, group := range groups {
		errors := gaussian.ReadNew().Coeffs
		b := Poly(r.rows(len(r.subs)))
		a := Poly(append(uniform.ReadNew().Coeffs, uniformP.ReadNew().Coeffs...))
		for i, sub := range r.subs {
			r.copySmall(b[i], i, errors[0])
			sub.NTT(b[i], b[i])
			sub.MulCoeffsMontgomeryThenSub(a[i], s[i], b[i])
			if slices.Contains(group, i) {
				sub.MulCoeffsMontgomery(s[i], s[i], row) // Montgomery form of s^2
				sub.IMForm(row, row)
				factor := r.mul(i, r.product(i, r.special()), r.f[i])
				sub.MulScalarMontgomeryThenAdd(row, r.mont(i, factor), b[i])
			}
			sub.MForm(b[i], b[i])
			sub.MForm(a[i], a[i])
		}
		key.parts = append(key.parts, [2]Poly{b, a})
	}
	return key, nil
}

// copySmall copies small integers, residues modulo the first prime, to prime i.
func (r *Ring) copySmall(dst []uint64, i int, src []uint64) {
	first, q := r.subs[0].Modulus, r.subs[i].Modulus
	for k, x := range src {
		if x > first/2 {
			x = q - (first - x)
		}
		dst[k] = x
	}
}

func (r *Ring) moduli() []uint64 {
	var all []uint64
	for _, s := range r.subs {
		all = append(all, s.Modulus)
	}
	return all
}

// checkKey refuses a key of other parameters.
func (r *Ring) checkKey(key *RelinearizationKey) error {
	if key == nil {
		return fmt.Errorf("rns: there is no relinearisation key")
	}
	if key.t != r.t || !slices.Equal(key.primes, r.moduli()) {
		return fmt.Errorf("rns: the relinearisation key is of other parameters: plaintext prime %d and %d primes, want %d and the ring's %d primes",
			key.t, len(key.primes), r.t, len(r.subs))
	}
	if len(key.parts) != len(key.groups) || len(key.parts) == 0 {
		return fmt.Errorf("rns: the relinearisation key has %d of %d parts", len(key.parts), len(key.groups))
	}
	for k, part := range key.parts {
		for _, p := range part {
			if len(p) != len(r.subs) || len(p[0]) != r.N() {
				return fmt.Errorf("rns: part %d of the relinearisation key has %d limbs, want %d of %d coefficients", k, len(p), len(r.subs), r.N())
			}
		}
	}
	return nil
}

// Bytes is the size of the key's words.
func (key *RelinearizationKey) Bytes() int64 {
	n := int64(0)
	for _, part := range key.parts {
		for _, p := range part {
			for _, limb := range p {
				n += 8 * int64(len(limb))
			}
		}
	}
	return n
}

// Digits is the number of the key's parts.
func (key *RelinearizationKey) Digits() int { return len(key.parts) }
