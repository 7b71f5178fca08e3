package rns

import (
	"fmt"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/he/internal/sample"
	"qtool/kernel/cpu"
)

// RelinearizationKey is for each digit an encryption of P g_k s^2 modulo QP,
// where g_k is 1 modulo the digit's primes and 0 modulo the others of the chain.
// It is public, and immutable.
type RelinearizationKey struct {
	primes []uint64 // chain and special
	t      uint64
	groups [][]int
	parts  [2]Poly // of each limb: all digits' words; transform domain
}

// Secret is a secret key's limbs in the transform domain.
func (r *Ring) Secret(key *rlwe.SecretKey) Poly {
	subs := slices.Clone(r.params.RingQ().SubRings)
	limbs := slices.Clone(key.Value.Q.Coeffs)
	if r.params.RingP() != nil {
		subs, limbs = append(subs, r.params.RingP().SubRings...), append(limbs, key.Value.P.Coeffs...)
	}
	s := Poly(r.rows(len(limbs)))
	for i, x := range limbs {
		for k, v := range x {
			s[i][k] = ring.IMForm(v, subs[i].Modulus, subs[i].MRedConstant)
		}
	}
	return s
}

// NewRelinearizationKey generates the key of a secret, with the given digits of
// consecutive limbs. Masks are those of a public seed, which is independent of all that is
// secret, see ReadKey; errors are fresh from the operating system's randomness.
func (r *Ring) NewRelinearizationKey(secret *rlwe.SecretKey, groups [][]int, masks sample.Seed) *RelinearizationKey {
	stream := sample.NewSystemStream()
	defer stream.Close()
	n := r.N()
	key := r.newKey(groups, func(n int, _ uint64) []uint64 { return make([]uint64, n) })
	key.mask(masks)
	s := r.Secret(secret)
	errors, scratch := make([]int64, n), make([]uint64, n)
	for k, group := range groups {
		stream.Gaussian(cpu.Active, errors, scratch)
		for i, m := range r.moduli {
			b, a := key.parts[0][i][k*n:(k+1)*n], key.parts[1][i][k*n:(k+1)*n]
			for j, e := range errors {
				b[j] = m.Residue(e)
			}
			r.transforms[i].Forward(b)
			p := uint64(0)
			if slices.Contains(group, i) {
				p = r.product(i, r.special())
			}
			for j, x := range s[i] { // b = e + (p s - a) s
				b[j] = (b[j] + m.Mul(m.Mul(p, x)+m.Q-a[j], x)) % m.Q
			}
		}
	}
	clear(errors)
	clear(scratch)
	for _, limb := range s {
		clear(limb)
	}
	return key
}

// ReadKey is the key with the masks of a seed whose bodies limb gives in the order of
// Bodies: n words below q each, or nil once there are no more, and ReadKey is nil then. The
// masks of digit k are the uniform residues of the stream of seed number k, limb by limb.
func (r *Ring) ReadKey(groups [][]int, masks sample.Seed, limb func(n int, q uint64) []uint64) *RelinearizationKey {
	key := r.newKey(groups, limb)
	if key != nil {
		key.mask(masks)
	}
	return key
}

// newKey is a key without masks.
func (r *Ring) newKey(groups [][]int, limb func(n int, q uint64) []uint64) *RelinearizationKey {
	key := &RelinearizationKey{primes: r.primes(), t: r.t, groups: groups}
	for _, q := range key.primes {
		words := limb(len(groups)*r.N(), q)
		if words == nil {
			return nil
		}
		key.parts[0] = append(key.parts[0], words)
	}
	return key
}

// mask makes the masks of a seed.
func (key *RelinearizationKey) mask(seed sample.Seed) {
	stream := sample.NewStream(sample.Seed{})
	defer stream.Close()
	for i := range key.primes {
		key.parts[1] = append(key.parts[1], make([]uint64, len(key.parts[0][i])))
	}
	n := len(key.parts[0][0]) / len(key.groups)
	for k := range key.groups {
		stream.Reset(sample.Derived(seed, "relinearisation masks", uint64(k)))
		for i, q := range key.primes {
			stream.Uniform(key.parts[1][i][k*n:(k+1)*n], q)
		}
	}
}

// Bodies are the words of the key that are not masks, limb by limb.
func (key *RelinearizationKey) Bodies() Poly { return key.parts[0] }

func (r *Ring) primes() []uint64 {
	var all []uint64
	for _, m := range r.moduli {
		all = append(all, m.Q)
	}
	return all
}

// checkKey refuses a key of other parameters.
func (r *Ring) checkKey(key *RelinearizationKey) error {
	if key == nil {
		return fmt.Errorf("rns: there is no relinearisation key")
	}
	if key.t != r.t || !slices.Equal(key.primes, r.primes()) {
		return fmt.Errorf("rns: the relinearisation key is of other parameters: plaintext prime %d and %d primes, want %d and the ring's %d primes",
			key.t, len(key.primes), r.t, len(r.moduli))
	}
	for _, p := range key.parts {
		if len(p) != len(r.moduli) {
			return fmt.Errorf("rns: the relinearisation key has %d limbs, want %d", len(p), len(r.moduli))
		}
		for i, limb := range p {
			if len(limb) != len(key.groups)*r.N() {
				return fmt.Errorf("rns: limb %d of the relinearisation key has %d words, want %d for %d digits", i, len(limb), len(key.groups)*r.N(), len(key.groups))
			}
		}
	}
	return nil
}

// Bytes is the size of the key's words.
func (key *RelinearizationKey) Bytes() int64 {
	return 16 * int64(len(key.parts[0])) * int64(len(key.parts[0][0]))
}

// Digits is the number of the key's digits.
func (key *RelinearizationKey) Digits() int { return len(key.groups) }
