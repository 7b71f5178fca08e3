package rns

import (
	"fmt"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/he/internal/sample"
	"qtool/kernel/cpu"
)

// SwitchingKey is for each digit an encryption of P g_k x modulo the first primes of the
// chain and the special ones, for a function x of the secret s: g_k is 1 modulo the digit's
// primes and 0 modulo the others of the chain. It is public, and immutable.
type SwitchingKey struct {
	primes []uint64 // chain, as far as the key has it, and special
	t      uint64
	of     Source
	groups [][]int
	parts  [2]Poly // of each limb: all digits' words; transform domain
}

// Source is what a key takes ciphertexts from.
type Source uint8

// The sources of keys.
const (
	Square    Source = iota // s^2: what a product leaves
	Conjugate               // s(X^-1): what Ring.Conjugate leaves
)

// label names the masks of a key among those of a seed.
func (x Source) label() string {
	return [...]string{"relinearisation masks", "conjugation masks"}[x]
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

// NewSwitchingKey generates the key of a secret, with the given digits of consecutive limbs
// from the first on; limbs behind the last digit are not in it. Masks are those of a public
// seed, which is independent of all that is secret, see ReadKey; errors are fresh from the
// operating system's randomness.
func (r *Ring) NewSwitchingKey(of Source, secret *rlwe.SecretKey, groups [][]int, masks sample.Seed) *SwitchingKey {
	stream := sample.NewSystemStream()
	defer stream.Close()
	n := r.N()
	key := r.newKey(of, groups, func(n int, _ uint64) []uint64 { return make([]uint64, n) })
	key.mask(masks)
	s := r.Secret(secret)
	errors, scratch := make([]int64, n), make([]uint64, n)
	for k, group := range groups {
		stream.Gaussian(cpu.Active, errors, scratch)
		for at, i := range r.limbsOf(groups) {
			m := r.moduli[i]
			b, a := key.parts[0][at][k*n:(k+1)*n], key.parts[1][at][k*n:(k+1)*n]
			for j, e := range errors {
				b[j] = m.Residue(e)
			}
			r.transforms[i].Forward(b)
			p := uint64(0)
			if slices.Contains(group, i) {
				p = r.product(i, r.special())
			}
			for j, x := range s[i] { // b = e + p y - a s, for y = s^2 or the conjugate of s
				if of == Square {
					b[j] = (b[j] + m.Mul(m.Mul(p, x)+m.Q-a[j], x)) % m.Q
				} else {
					b[j] = (b[j] + m.Mul(p, s[i][n-1-j]) + m.Q - m.Mul(a[j], x)) % m.Q
				}
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

// limbsOf are the numbers of the limbs of a key with the given digits: those of the digits
// and the special ones.
func (r *Ring) limbsOf(groups [][]int) []int {
	var all []int
	for _, g := range groups {
		all = append(all, g...)
	}
	return append(all, r.special()...)
}

// ReadKey is the key with the masks of a seed whose bodies limb gives in the order of
// Bodies: n words below q each, or nil once there are no more, and ReadKey is nil then. The
// masks of digit k are the uniform residues of the stream of seed number k, limb by limb.
func (r *Ring) ReadKey(of Source, groups [][]int, masks sample.Seed, limb func(n int, q uint64) []uint64) *SwitchingKey {
	key := r.newKey(of, groups, limb)
	if key != nil {
		key.mask(masks)
	}
	return key
}

// newKey is a key without masks.
func (r *Ring) newKey(of Source, groups [][]int, limb func(n int, q uint64) []uint64) *SwitchingKey {
	key := &SwitchingKey{t: r.t, of: of, groups: groups}
	for _, i := range r.limbsOf(groups) {
		q := r.moduli[i].Q
		words := limb(len(groups)*r.N(), q)
		if words == nil {
			return nil
		}
		key.primes = append(key.primes, q)
		key.parts[0] = append(key.parts[0], words)
	}
	return key
}

// mask makes the masks of a seed.
func (key *SwitchingKey) mask(seed sample.Seed) {
	stream := sample.NewStream(sample.Seed{})
	defer stream.Close()
	for i := range key.primes {
		key.parts[1] = append(key.parts[1], make([]uint64, len(key.parts[0][i])))
	}
	n := len(key.parts[0][0]) / len(key.groups)
	for k := range key.groups {
		stream.Reset(sample.Derived(seed, key.of.label(), uint64(k)))
		for i, q := range key.primes {
			stream.Uniform(key.parts[1][i][k*n:(k+1)*n], q)
		}
	}
}

// Bodies are the words of the key that are not masks, limb by limb.
func (key *SwitchingKey) Bodies() Poly { return key.parts[0] }

// checkKey refuses a key of other parameters, or of another source.
func (r *Ring) checkKey(key *SwitchingKey, of Source) error {
	if key == nil {
		return fmt.Errorf("rns: there is no key to switch with")
	}
	var primes []uint64
	for at, i := range r.limbsOf(key.groups) {
		if i != at && i < r.chain || i >= len(r.moduli) {
			return fmt.Errorf("rns: digits %v of a key are not those of the first of %d primes", key.groups, r.chain)
		}
		primes = append(primes, r.moduli[i].Q)
	}
	if key.t != r.t || key.of != of || !slices.Equal(key.primes, primes) {
		return fmt.Errorf("rns: the key is of other parameters or another source: plaintext prime %d and %d primes, want %d and %d primes of the ring",
			key.t, len(key.primes), r.t, len(primes))
	}
	for _, p := range key.parts {
		if len(p) != len(primes) {
			return fmt.Errorf("rns: the key has %d limbs, want %d", len(p), len(primes))
		}
		for i, limb := range p {
			if len(limb) != len(key.groups)*r.N() {
				return fmt.Errorf("rns: limb %d of the key has %d words, want %d for %d digits", i, len(limb), len(key.groups)*r.N(), len(key.groups))
			}
		}
	}
	return nil
}

// Bytes is the size of the key's words.
func (key *SwitchingKey) Bytes() int64 {
	return 16 * int64(len(key.parts[0])) * int64(len(key.parts[0][0]))
}

// Digits is the number of the key's digits.
func (key *SwitchingKey) Digits() int { return len(key.groups) }
