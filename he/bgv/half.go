package bgv

import (
	"encoding/json"
	"fmt"
	"math/big"
	"runtime"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/fastntt"
	"qtool/he/internal/log2"
	"qtool/he/internal/sample"
	"qtool/he/security"
	"qtool/internal/strict"
	"qtool/internal/whole"
	"qtool/kernel/cpu"
	"qtool/kernel/mod"
)

// parameters are what a client needs of a plan besides the program's input and output:
// rings, and what outputs are. They say nothing of weights.
type parameters struct {
	LogN int `json:"log_n"`
	// T are the plaintext primes, Q the ciphertext primes, the first dropped last. Outputs
	// have the first OutputPrimes of them, and polynomials c_0 to c_OutputDegree.
	T            []uint64 `json:"plaintext_moduli"`
	Q            []uint64 `json:"ciphertext_moduli"`
	OutputPrimes int      `json:"output_primes"`
	OutputDegree int      `json:"output_degree"`
	// OutputScales are what outputs are multiplied by, modulo each plaintext prime.
	OutputScales []uint64 `json:"output_scales"`
	// Order is the order of the words of messages and of the seeds of their masks: limbOrder.
	// Client halves of before have no such field.
	Order int `json:"order,omitempty"`
}

// limbOrder is limb after limb, each of all inputs, with a seed of masks a limb. Order 1,
// which is not read any more, was input after input.
const limbOrder = 2

// half is what a client computes with: its parameters with rings and kernels, and what the
// program's inputs and outputs are. A Plan has one too.
type half struct {
	parameters
	input   bundle.Input
	layer   string // of the outputs
	output  bundle.Range
	inputs  int // ciphertexts a plaintext prime
	outputs int

	workers    int
	level      cpu.Level
	params     rlwe.Parameters
	rings      []*ring.Ring     // modulo each plaintext prime
	moduli     []*mod.Modulus   // of ciphertexts
	transforms []*mod.Transform // modulo those
	slots      []*mod.Transform // modulo each plaintext prime
	lift       *rescaler        // from outputs to the plaintext primes

	encryptCost, decryptCost float64 // nanoseconds of one ciphertext
}

// newHalf makes rings and kernels of parameters that are right. workers 0 is GOMAXPROCS.
func newHalf(x parameters, in bundle.Input, out *bundle.Node, workers int, level cpu.Level) (*half, error) {
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	h := &half{
		parameters: x, input: in, layer: out.Name, output: out.Range, inputs: bundle.Size(in.Shape), outputs: bundle.Size(out.Shape),
		workers: workers, level: level,
		encryptCost: encryptCost(level, x.LogN, x.T[0], x.Q),
		decryptCost: decryptCost(level, x.LogN, x.T[0], x.Q[:x.OutputPrimes], x.OutputDegree),
	}
	params, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: x.LogN, Q: x.Q, NTTFlag: true})
	if err != nil {
		return nil, fmt.Errorf("bgv: %w", err)
	}
	h.params = params
	for _, s := range params.RingQ().SubRings {
		t, err := fastntt.New(mod.NewAt(level, s.Modulus), s)
		if err != nil {
			return nil, fmt.Errorf("bgv: %w", err)
		}
		h.transforms, h.moduli = append(h.transforms, t), append(h.moduli, t.Modulus())
	}
	var plain []*mod.Modulus
	for _, t := range x.T {
		r, err := ring.NewRing(1<<x.LogN, []uint64{t})
		if err != nil {
			return nil, fmt.Errorf("bgv: plaintext prime %d: %w", t, err)
		}
		slots, err := fastntt.New(mod.NewAt(level, t), r.SubRings[0])
		if err != nil {
			return nil, fmt.Errorf("bgv: plaintext prime %d: %w", t, err)
		}
		h.rings, h.slots, plain = append(h.rings, r), append(h.slots, slots), append(plain, slots.Modulus())
	}
	h.lift = newRescaler(h.moduli[:x.OutputPrimes], plain)
	return h, nil
}

// Slots is how many samples a batch holds: the ring degree.
func (x *parameters) Slots() int { return 1 << x.LogN }

// polynomialBytes is the size of a polynomial with so many limbs.
func (x *parameters) polynomialBytes(limbs int) int64 { return 8 * int64(limbs) << x.LogN }

// sizes are the payloads of the objects of a batch of so many input elements and outputs.
// Inputs are a seed and, for each plaintext prime, c_0 of every input; outputs are, for
// each plaintext prime, all polynomials of every output. There are no evaluation keys.
func (x *parameters) sizes(inputs, outputs int) he.Sizes {
	primes := int64(len(x.T))
	return he.Sizes{
		Samples: x.Slots(),
		Inputs:  sample.SeedSize + primes*int64(inputs)*x.polynomialBytes(len(x.Q)),
		Outputs: primes * int64(outputs) * int64(x.OutputDegree+1) * x.polynomialBytes(x.OutputPrimes),
	}
}

// sizes are the payloads of the program's objects.
func (h *half) sizes() he.Sizes { return h.parameters.sizes(h.inputs, h.outputs) }

// maxPrimes bounds the primes of a ciphertext modulus, far above what is secure in any
// ring.
const maxPrimes = 256

// check says whether the numbers are those of a ring that can be built, and carry the
// outputs' static bound.
func (x *parameters) check(output bundle.Range) error {
	switch {
	case x.Order != limbOrder:
		return fmt.Errorf("messages in order %d, and this version has order %d: make both halves again with plan, and new keys", x.Order, limbOrder)
	case x.LogN < 10 || x.LogN > 16:
		return fmt.Errorf("ring degree 2^%d is outside 2^10..2^16", x.LogN)
	case len(x.T) < 1 || len(x.T) > maxModuli:
		return fmt.Errorf("%d plaintext primes are outside 1..%d", len(x.T), maxModuli)
	case len(x.Q) < 1 || len(x.Q) > maxPrimes:
		return fmt.Errorf("%d ciphertext primes are outside 1..%d", len(x.Q), maxPrimes)
	case x.OutputPrimes < 1 || x.OutputPrimes > len(x.Q):
		return fmt.Errorf("outputs of %d of %d ciphertext primes", x.OutputPrimes, len(x.Q))
	case x.OutputDegree < 1 || x.OutputDegree > maxDegree:
		return fmt.Errorf("outputs of degree %d are outside 1..%d", x.OutputDegree, maxDegree)
	case len(x.OutputScales) != len(x.T):
		return fmt.Errorf("%d output scales for %d plaintext primes", len(x.OutputScales), len(x.T))
	}
	seen := map[uint64]bool{}
	for _, q := range slices.Concat(x.Q, x.T) {
		switch {
		case seen[q]:
			return fmt.Errorf("prime %d is there twice", q)
		case q>>maxPrimeBits != 0 || q%(2<<x.LogN) != 1 || !new(big.Int).SetUint64(q).ProbablyPrime(20):
			return fmt.Errorf("%d is no prime of at most %d bits that is 1 modulo 2^%d", q, maxPrimeBits, x.LogN+1)
		}
		seen[q] = true
	}
	for _, q := range x.Q {
		if q>>(minPrimeBits-1) == 0 {
			return fmt.Errorf("ciphertext prime %d has fewer than %d bits", q, minPrimeBits)
		}
	}
	for i, s := range x.OutputScales {
		if s < 1 || s >= x.T[i] {
			return fmt.Errorf("output scale %d is outside 1..%d", s, x.T[i]-1)
		}
	}
	if product(x.T).Cmp(width(output)) <= 0 {
		return fmt.Errorf("plaintext primes of %.1f bits do not carry the static bound %v", log2.Product(x.T), output)
	}
	return nil
}

// ClientPart is what the client half has of the plan.
func (p *Plan) ClientPart() (he.ClientPart, error) {
	b, err := json.Marshal(p.parameters)
	if err != nil {
		return he.ClientPart{}, fmt.Errorf("bgv: %w", err)
	}
	return he.ClientPart{
		Executor: "bgv", Backend: "bgv", Sizes: p.sizes(), LogFailure: p.LogFailure(), Parameters: b,
	}, nil
}

// readParameters are those of a client half that may come from anywhere.
func readParameters(s *he.ClientSpec) (x parameters, err error) {
	if s.Executor != "bgv" {
		return x, fmt.Errorf("bgv: a client half of executor %q", s.Executor)
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
		return x, fmt.Errorf("bgv: client half: %w", err)
	}
	if bits := security.Estimate(x.LogN, log2.Product(x.Q)); bits != s.SecurityBits {
		return x, fmt.Errorf("bgv: client half: it says %d bits of security, and has about %d: %w", s.SecurityBits, bits, security.ErrInsecure)
	}
	if got := x.sizes(bundle.Size(s.Input.Shape), bundle.Size(s.Output.Shape)); got != s.Sizes {
		return x, fmt.Errorf("bgv: client half: it says messages are %+v, and they are %+v", s.Sizes, got)
	}
	return x, nil
}
