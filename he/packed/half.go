package packed

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/schemes/bgv"
	"github.com/tuneinsight/lattigo/v5/schemes/ckks"

	"qtool/he"
	"qtool/he/fastntt"
	"qtool/he/internal/log2"
	"qtool/he/internal/primes"
	"qtool/he/packed/keyset"
	"qtool/he/security"
	"qtool/internal/strict"
	"qtool/internal/whole"
)

// literal is what a client needs of a plan, unchecked, as a client half carries it. Lists
// of many numbers are in runs; see encodeRuns. Constants of outputs are one for each, or
// one for all.
type literal struct {
	LogN int      `json:"log_n"`
	Q    []uint64 `json:"ciphertext_moduli"`
	P    []uint64 `json:"special_moduli"`
	// Views are what the client packs, one behind the other, of so many Slots each: the
	// number of an input element, or -1 for zero. A fresh ciphertext has all of Q.
	Views []int `json:"views"`
	Slots []int `json:"slots"`
	// Rotations are the keys' slots and limbs, Relin the limbs of relinearisation.
	Rotations [][2]int `json:"rotations"`
	Relin     int      `json:"relinearisation"`
	// The outputs come in so many ciphertexts of so many limbs: output o stands in slot
	// Slot[o] of ciphertext Ct[o].
	Ciphertexts int   `json:"output_ciphertexts"`
	Limbs       int   `json:"output_limbs"`
	Ct          []int `json:"output_ciphertext"`
	Slot        []int `json:"output_slot"`
	// Reals are of CKKS, Residues of BGV: one for each plaintext prime.
	Reals    *realConstants     `json:"reals,omitempty"`
	Residues []residueConstants `json:"residues,omitempty"`
}

// realConstants are how CKKS slots stand for integers: an input times Unit, at Scale; the
// output Gain times the slot, at OutScale, plus Offset. Bound and Usual are its errors.
type realConstants struct {
	Unit     float64   `json:"unit"`
	Scale    float64   `json:"scale"`
	OutScale float64   `json:"output_scale"`
	Gain     []float64 `json:"gain"`
	Offset   []float64 `json:"offset"`
	Bound    []float64 `json:"bound"`
	Usual    []float64 `json:"usual"`
}

// residueConstants are how BGV slots stand for integers modulo a plaintext prime: the
// output is Gain times the slot plus Offset.
type residueConstants struct {
	Modulus uint64   `json:"modulus"`
	Gain    []uint64 `json:"gain"`
	Offset  []uint64 `json:"offset"`
}

// half is a literal that was checked, and its rings with this processor's transforms.
type half struct {
	literal
	params  rlwe.Parameters
	ckks    ckks.Parameters
	bgv     []bgv.Parameters // of each plaintext prime
	views   [][]int32
	ct      []int32
	slot    []int32
	needs   keyset.Needs
	outputs int
}

// What a client half may ask for at most.
const (
	maxHalfLogN  = 17
	maxHalfPrime = 61 // bits
	maxQ, maxP   = 64, 8
	maxRotations = 1 << 13
	maxViews     = 1 << 16
	maxViewSlots = 1 << 24
	maxOutputs   = 1 << 16
)

// newHalf checks a literal and makes its rings; see checkHalf.
func newHalf(l literal, inputs, outputs int) (*half, error) {
	h, err := checkHalf(l, inputs, outputs)
	if err != nil {
		return nil, err
	}
	return h, h.rings()
}

// checkHalf checks a literal for a program of so many inputs and outputs. It does not look
// at security.
func checkHalf(l literal, inputs, outputs int) (*half, error) {
	h := &half{literal: l, outputs: outputs}
	if err := h.checkModuli(); err != nil {
		return nil, err
	}
	if err := h.checkCounts(outputs); err != nil {
		return nil, err
	}
	if err := h.unpack(inputs); err != nil {
		return nil, err
	}
	return h, nil
}

func (h *half) checkModuli() error {
	if h.LogN < 4 || h.LogN > maxHalfLogN {
		return fmt.Errorf("ring degree 2^%d is outside 2^4..2^%d", h.LogN, maxHalfLogN)
	}
	if len(h.Q) < 1 || len(h.Q) > maxQ || len(h.P) < 1 || len(h.P) > maxP || len(h.Residues) > maxModuli || (h.Reals == nil) != (len(h.Residues) > 0) {
		return fmt.Errorf("%d ciphertext, %d special and %d plaintext primes, with constants of reals: %v", len(h.Q), len(h.P), len(h.Residues), h.Reals != nil)
	}
	all := append(append([]uint64{}, h.Q...), h.P...)
	for _, r := range h.Residues {
		all = append(all, r.Modulus)
	}
	return primes.Check(h.LogN, maxHalfPrime, all...)
}

func (h *half) checkCounts(outputs int) error {
	n := 1 << (h.LogN - 1)
	limbs := func(what string, limbs, least int) error {
		if limbs < least || limbs > len(h.Q) {
			return fmt.Errorf("%s of %d limbs, want %d..%d", what, limbs, least, len(h.Q))
		}
		return nil
	}
	if err := limbs("outputs", h.Limbs, 1); err != nil {
		return err
	}
	if err := limbs("relinearisation", h.Relin, 0); err != nil {
		return err
	}
	if len(h.Rotations) > maxRotations || h.Ciphertexts < 1 || h.Ciphertexts > outputs || outputs > maxOutputs {
		return fmt.Errorf("%d rotations, and %d outputs in %d ciphertexts, pass the limits of %d and %d", len(h.Rotations), outputs, h.Ciphertexts, maxRotations, maxOutputs)
	}
	h.needs.Relin = h.Relin
	last := 0
	for _, r := range h.Rotations {
		if r[0] <= last || r[0] >= n {
			return fmt.Errorf("a rotation by %d slots behind one by %d, want ascending ones below %d", r[0], last, n)
		}
		if err := limbs("a rotation", r[1], 1); err != nil {
			return err
		}
		h.needs.Rotate(r[0], r[1])
		last = r[0]
	}
	if c := h.Reals; c != nil {
		for _, x := range []float64{c.Unit, c.Scale, c.OutScale} {
			if !(x > 0 && x < math.MaxFloat64) {
				return fmt.Errorf("a unit or scale of %g", x)
			}
		}
		for _, list := range [][]float64{c.Gain, c.Offset, c.Bound, c.Usual} {
			if len(list) != 1 && len(list) != outputs {
				return fmt.Errorf("%d constants of %d outputs", len(list), outputs)
			}
		}
		for _, list := range [][]float64{c.Bound, c.Usual} {
			for _, x := range list {
				if !(x >= 0) {
					return fmt.Errorf("an error bound of %g", x)
				}
			}
		}
	}
	for _, r := range h.Residues {
		for _, list := range [][]uint64{r.Gain, r.Offset} {
			if len(list) != 1 && len(list) != outputs {
				return fmt.Errorf("%d constants of %d outputs", len(list), outputs)
			}
			for _, x := range list {
				if x >= r.Modulus {
					return fmt.Errorf("the constant %d modulo %d", x, r.Modulus)
				}
			}
		}
	}
	return nil
}

// unpack reads what is in runs.
func (h *half) unpack(inputs int) (err error) {
	n := 1 << (h.LogN - 1)
	if h.ct, err = decodeRuns("output ciphertexts", h.Ct, h.outputs, h.Ciphertexts); err != nil {
		return err
	}
	if h.slot, err = decodeRuns("output slots", h.Slot, h.outputs, n); err != nil {
		return err
	}
	for o := range h.ct {
		if h.ct[o] < 0 || h.slot[o] < 0 {
			return fmt.Errorf("output %d stands nowhere", o)
		}
	}
	views := 0
	for k := 2; k < len(h.Slots); k += 3 {
		if views += h.Slots[k]; h.Slots[k] < 1 || views > maxViews {
			return fmt.Errorf("%d views, want at most %d", views, maxViews)
		}
	}
	lengths, err := decodeRuns("slots of views", h.Slots, views, n+1)
	if err != nil {
		return err
	}
	total := 0
	for _, l := range lengths {
		if total += int(l); l < 1 || l&(l-1) != 0 || total > maxViewSlots {
			return fmt.Errorf("a view of %d slots, want a power of two, and at most %d in all views", l, maxViewSlots)
		}
	}
	all, err := decodeRuns("views", h.Views, total, inputs)
	if err != nil {
		return err
	}
	for _, l := range lengths {
		h.views = append(h.views, all[:l])
		all = all[l:]
	}
	return nil
}

// rings makes the parameters, with this processor's transforms.
func (h *half) rings() (err error) {
	if h.Reals != nil {
		h.ckks, err = ckks.NewParametersFromLiteral(ckks.ParametersLiteral{LogN: h.LogN, Q: h.Q, P: h.P, LogDefaultScale: minPrime})
		if err == nil {
			_, err = fastntt.Install(h.ckks)
		}
		h.params = h.ckks.Parameters
		return err
	}
	for _, r := range h.Residues {
		p, err := bgv.NewParametersFromLiteral(bgv.ParametersLiteral{LogN: h.LogN, Q: h.Q, P: h.P, PlaintextModulus: r.Modulus})
		if err == nil {
			_, err = fastntt.Install(p)
		}
		if err != nil {
			return err
		}
		h.bgv = append(h.bgv, p)
	}
	h.params = h.bgv[0].Parameters
	return nil
}

// primes is how many ciphertexts each view has: one for each plaintext prime.
func (h *half) primes() int { return max(1, len(h.Residues)) }

// securityBits is 128 where the table of package security vouches for it.
func (l *literal) securityBits() int { return security.Estimate(l.LogN, log2.Product(l.Q, l.P)) }

// sizes are the sizes of payloads: a seed and a body for each input ciphertext, both
// halves of the outputs, and the keys.
func (h *half) sizes() he.Sizes {
	limb := int64(8) << h.LogN
	n := int64(h.primes())
	return he.Sizes{
		Samples: 1,
		Inputs:  32 + n*int64(len(h.views)*len(h.Q))*limb,
		Outputs: n * int64(2*h.Ciphertexts*h.Limbs) * limb,
		Keys:    h.needs.Sent(h.LogN, len(h.P)),
	}
}

// constant is number o of n constants, which may be one for all.
func constant[T any](list []T, o, n int) T { return list[o*len(list)/n] }

// shortened are constants, as one where they are all the same.
func shortened[T comparable](list []T) []T {
	for _, x := range list {
		if x != list[0] {
			return list
		}
	}
	return list[:1]
}

// encode is the canonical JSON.
func (l *literal) encode() (json.RawMessage, error) { return json.Marshal(l) }

// readHalf makes the half of a client half's parameters; see parseHalf.
func readHalf(s *he.ClientSpec, inputs, outputs int) (*half, error) {
	h, err := parseHalf(s, inputs, outputs)
	if err != nil {
		return nil, err
	}
	return h, h.rings()
}

// parseHalf checks a client half's parameters. It refuses parameters that are insecure
// without saying so, and sizes and failures that are not theirs.
func parseHalf(s *he.ClientSpec, inputs, outputs int) (*half, error) {
	var l literal
	if len(s.Parameters) > he.MaxParameters {
		return nil, fmt.Errorf("parameters of %d bytes pass the limit of %d", len(s.Parameters), he.MaxParameters)
	}
	if err := strict.JSON(s.Parameters, &l); err != nil {
		return nil, err
	}
	if err := whole.Canonical(s.Parameters, func() ([]byte, error) { return l.encode() }); err != nil {
		return nil, err
	}
	h, err := checkHalf(l, inputs, outputs)
	if err != nil {
		return nil, err
	}
	name, failure := ckksName, s.LogFailure == 0
	if h.Reals == nil {
		name, failure = bgvName, s.LogFailure <= maxLogFailure
	}
	switch got := h.securityBits(); {
	case s.Executor != name || s.Backend != name:
		return nil, fmt.Errorf("the parameters are of %s, the client half is for %s (%s)", name, s.Executor, s.Backend)
	case s.SecurityBits != got:
		return nil, fmt.Errorf("the parameters have %d bits of security, the client half says %d", got, s.SecurityBits)
	case s.Sizes != h.sizes():
		return nil, fmt.Errorf("sizes are %+v, the parameters give %+v", s.Sizes, h.sizes())
	case !failure:
		return nil, fmt.Errorf("decryption fails with probability up to 2^%.1f, want at most 2^%d of exact outputs", s.LogFailure, maxLogFailure)
	}
	return h, nil
}

// The names of both executors, in halves, flags and reports.
const (
	ckksName = "packed-ckks"
	bgvName  = "packed-bgv"
)

// maxLogFailure bounds log2 of the probability of a wrong exact output.
const maxLogFailure = -128
