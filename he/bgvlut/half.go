package bgvlut

import (
	"encoding/json"
	"fmt"
	"math/big"
	"runtime"
	"slices"

	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/log2"
	"qtool/he/internal/rns"
	"qtool/he/internal/sample"
	"qtool/he/security"
	"qtool/internal/strict"
	"qtool/internal/whole"
	"qtool/kernel/cpu"
)

// parameters are what a client needs of a plan besides the program's input and output:
// the ring, and the digits of the key that it makes. They say nothing of weights and
// tables.
type parameters struct {
	LogN int    `json:"log_n"`
	T    uint64 `json:"plaintext_modulus"`
	// Copies is how many times each sample is in the slots: once, or at slots k and N-1-k.
	// Outputs are then two a ciphertext, 2i in slot k and 2i+1 in slot N-1-k of number i.
	Copies int `json:"copies"`
	// Q is the chain, the first prime dropped last; outputs have the first OutputPrimes.
	// P are the special primes of key switching, and Digits how many primes of the chain,
	// one behind the other, each of its digits has.
	Q      []uint64 `json:"ciphertext_moduli"`
	P      []uint64 `json:"special_moduli"`
	Digits []int    `json:"digits"`
	// SwapDigits are those of a second key, for the first primes of the chain, which swaps
	// copies; there are none where nothing is swapped.
	SwapDigits   []int `json:"swap_digits,omitempty"`
	OutputPrimes int   `json:"output_primes"`
}

// half is what a client computes with: its parameters with rings, and what the program's
// inputs and outputs are. A Plan has one too.
type half struct {
	parameters
	input    bundle.Input
	layer    string // of the outputs
	output   bundle.Range
	inputs   int // ciphertexts that the client sends
	outputs  int // and gets back, of Copies elements each
	elements int // that outputs have

	workers int
	ring    *rns.Ring
	slots   *ring.Ring // modulo T
	digits  [][]int    // of relinearisation
	swap    [][]int    // of the key that swaps halves of the slots
	unit    uint64     // X^(N/2) in half 0 of the slots

	encryptCost, decryptCost float64 // nanoseconds of one ciphertext
}

// newHalf makes rings of parameters that are right. workers 0 is GOMAXPROCS.
func newHalf(x parameters, in bundle.Input, out *bundle.Node, workers int) (*half, error) {
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	h := &half{
		parameters: x, input: in, layer: out.Name, output: out.Range, inputs: bundle.Size(in.Shape), outputs: x.packedOutputs(out), elements: bundle.Size(out.Shape), workers: workers,
		encryptCost: encryptCost(cpu.Active, x.LogN, len(x.Q)), decryptCost: decryptCost(cpu.Active, x.LogN, x.OutputPrimes),
	}
	var err error
	if h.ring, err = rns.NewRing(x.LogN, x.T, x.Q, x.P); err != nil {
		return nil, fmt.Errorf("bgvlut: %w", err)
	}
	if h.slots, err = ring.NewRing(x.N(), []uint64{x.T}); err != nil {
		return nil, fmt.Errorf("bgvlut: plaintext prime %d: %w", x.T, err)
	}
	h.digits, h.swap = grouped(x.Digits), grouped(x.SwapDigits)
	root := h.slots.NewPoly()
	root.Coeffs[0][x.N()/2] = 1
	h.slots.NTT(root, root)
	h.unit = root.Coeffs[0][0]
	return h, nil
}

// grouped are the limbs of digits that have so many each, one behind the other.
func grouped(digits []int) (all [][]int) {
	at := 0
	for _, n := range digits {
		var group []int
		for ; n > 0; n-- {
			group = append(group, at)
			at++
		}
		all = append(all, group)
	}
	return all
}

// N is the ring degree, the number of slots of a ciphertext.
func (x *parameters) N() int { return 1 << x.LogN }

// Slots is how many samples a batch holds.
func (x *parameters) Slots() int { return x.N() / x.Copies }

// packedOutputs is how many ciphertexts the outputs are.
func (x *parameters) packedOutputs(out *bundle.Node) int {
	return (bundle.Size(out.Shape) + x.Copies - 1) / x.Copies
}

// sizes are the payloads of the objects of a batch of so many input and output ciphertexts.
// Inputs are a seed and c_0 of every input, outputs both polynomials of every output;
// evaluation keys are a seed and the bodies of the relinearisation key and of what swaps halves.
func (x *parameters) sizes(inputs, outputs int) he.Sizes {
	limb := int64(8) << x.LogN
	return he.Sizes{
		Samples: x.Slots(),
		Inputs:  sample.SeedSize + int64(inputs)*int64(len(x.Q))*limb,
		Outputs: 2 * int64(outputs) * int64(x.OutputPrimes) * limb,
		Keys:    sample.SeedSize + (int64(len(x.Digits))*int64(len(x.Q)+len(x.P))+x.swapKey())*limb,
	}
}

// swapKey is the limbs of the body of the key that swaps halves.
func (x *parameters) swapKey() int64 {
	n := 0
	for _, d := range x.SwapDigits {
		n += d
	}
	if n == 0 {
		return 0
	}
	return int64(len(x.SwapDigits)) * int64(n+len(x.P))
}

// sizes are the payloads of the program's objects.
func (h *half) sizes() he.Sizes { return h.parameters.sizes(h.inputs, h.outputs) }

// Bounds of what is read.
const (
	maxPrimes        = 256 // far above what is secure in any ring
	maxSpecialPrimes = 64
)

// check says whether the numbers are those of a ring that can be built, and tell the
// outputs of the static bound apart.
func (x *parameters) check(output bundle.Range) error {
	switch {
	case x.LogN < 10 || x.LogN > 16:
		return fmt.Errorf("ring degree 2^%d is outside 2^10..2^16", x.LogN)
	case x.Copies < 1 || x.Copies > maxCopies:
		return fmt.Errorf("%d copies of a sample are outside 1..%d", x.Copies, maxCopies)
	case len(x.Q) < 1 || len(x.Q) > maxPrimes:
		return fmt.Errorf("%d ciphertext primes are outside 1..%d", len(x.Q), maxPrimes)
	case len(x.P) < 1 || len(x.P) > maxSpecialPrimes:
		return fmt.Errorf("%d special primes are outside 1..%d", len(x.P), maxSpecialPrimes)
	case x.OutputPrimes < 1 || x.OutputPrimes > len(x.Q):
		return fmt.Errorf("outputs of %d of %d ciphertext primes", x.OutputPrimes, len(x.Q))
	case x.T>>maxPlaintextBits != 0:
		return fmt.Errorf("plaintext prime %d has more than %d bits", x.T, maxPlaintextBits)
	}
	sum, err := x.covered(x.Digits)
	if err != nil {
		return err
	}
	if sum != len(x.Q) {
		return fmt.Errorf("digits of %d of %d ciphertext primes", sum, len(x.Q))
	}
	if len(x.SwapDigits) > 0 && x.Copies == 1 {
		return fmt.Errorf("a key that swaps copies, of which there is 1")
	}
	if _, err := x.covered(x.SwapDigits); err != nil {
		return err
	}
	seen := map[uint64]bool{}
	for _, q := range slices.Concat(x.Q, x.P, []uint64{x.T}) {
		switch {
		case seen[q]:
			return fmt.Errorf("prime %d is there twice", q)
		case q>>maxPrimeBits != 0 || q%(2<<x.LogN) != 1 || !new(big.Int).SetUint64(q).ProbablyPrime(20):
			return fmt.Errorf("%d is no prime of at most %d bits that is 1 modulo 2^%d", q, maxPrimeBits, x.LogN+1)
		}
		seen[q] = true
	}
	for _, q := range slices.Concat(x.Q, x.P) {
		if q>>(minPrimeBits-1) == 0 {
			return fmt.Errorf("prime %d has fewer than %d bits", q, minPrimeBits)
		}
	}
	if width := new(big.Int).Sub(output.Hi, output.Lo); width.Cmp(new(big.Int).SetUint64(x.T)) >= 0 {
		return fmt.Errorf("the plaintext prime %d does not tell the values of the static bound %v apart", x.T, output)
	}
	return nil
}

// covered is how many primes of the chain digits have.
func (x *parameters) covered(digits []int) (sum int, err error) {
	for _, n := range digits {
		if n < 1 || n > len(x.Q)-sum {
			return 0, fmt.Errorf("a digit of %d primes of the %d that are left", n, len(x.Q)-sum)
		}
		sum += n
	}
	return sum, nil
}

// ClientPart is what the client half has of the plan.
func (p *Plan) ClientPart() (he.ClientPart, error) {
	b, err := json.Marshal(p.parameters)
	if err != nil {
		return he.ClientPart{}, fmt.Errorf("bgvlut: %w", err)
	}
	return he.ClientPart{Executor: "bgvlut", Backend: "bgv", Sizes: p.sizes(), LogFailure: p.LogFailure(), Parameters: b}, nil
}

// readParameters are those of a client half that may come from anywhere.
func readParameters(s *he.ClientSpec) (x parameters, err error) {
	if s.Executor != "bgvlut" {
		return x, fmt.Errorf("bgvlut: a client half of executor %q", s.Executor)
	}
	err = strict.JSON(s.Parameters, &x)
	if err == nil {
		err = whole.Canonical(s.Parameters, func() ([]byte, error) { return json.Marshal(x) })
	}
	if err == nil {
		err = bundle.CheckEnds(s.Input, &s.Output, s.Labels)
	}
	if err == nil {
		err = x.check(s.Output.Range)
	}
	if err != nil {
		return x, fmt.Errorf("bgvlut: client half: %w", err)
	}
	if bits := security.Estimate(x.LogN, log2.Product(x.Q)+log2.Product(x.P)); bits != s.SecurityBits {
		return x, fmt.Errorf("bgvlut: client half: it says %d bits of security, and has about %d: %w", s.SecurityBits, bits, security.ErrInsecure)
	}
	if got := x.sizes(bundle.Size(s.Input.Shape), x.packedOutputs(&s.Output)); got != s.Sizes {
		return x, fmt.Errorf("bgvlut: client half: it says objects are %+v, and they are %+v", s.Sizes, got)
	}
	return x, nil
}
