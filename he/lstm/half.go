package lstm

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/tuneinsight/lattigo/v5/schemes/ckks"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/fastntt"
	"qtool/he/internal/log2"
	"qtool/he/internal/primes"
	"qtool/he/packed/keyset"
	"qtool/he/security"
	"qtool/internal/strict"
	"qtool/internal/whole"
)

// literal is what a client needs of a plan, unchecked, as a client half carries it.
type literal struct {
	LogN int      `json:"log_n"`
	Q    []uint64 `json:"ciphertext_moduli"`
	P    []uint64 `json:"special_moduli"`
	// Blocks divide the slots, an element of the state each; Steps is of a sequence, and
	// StepPrimes are the primes that each drops.
	Blocks     int `json:"blocks"`
	Steps      int `json:"steps"`
	StepPrimes int `json:"primes_a_step"`
	// Babies and Giants split the rotations.
	Babies int `json:"babies"`
	Giants int `json:"giants"`
	// In is the slot that stands for an input of 1, Out the slot that an output of 1 has.
	In  float64 `json:"input_factor"`
	Out float64 `json:"output_factor"`
	// Bound and Usual are the errors of each output.
	Bound []float64 `json:"bound"`
	Usual []float64 `json:"usual"`
}

// half is a literal that was checked, and its ring with this processor's transforms.
type half struct {
	literal
	split  split
	params ckks.Parameters
	inputs int // of a step
}

// What a client half may ask for at most.
const (
	maxQ, maxP    = 128, 8
	maxChunks     = 1 << 10 // ciphertexts of a step's inputs
	maxHalfPrimes = 61      // bits
)

// newHalf checks a literal and makes its ring; see checkHalf.
func newHalf(l literal, inputs, outputs int) (*half, error) {
	h, err := checkHalf(l, inputs, outputs)
	if err != nil {
		return nil, err
	}
	return h, h.ring()
}

// checkHalf checks a literal for a program of so many inputs, all steps together, and
// outputs. It does not look at security.
func checkHalf(l literal, inputs, outputs int) (*half, error) {
	h := &half{literal: l, split: split{l.Babies, l.Giants}}
	power := func(n, most int) bool { return n >= 1 && n <= most && n&(n-1) == 0 }
	switch {
	case l.LogN < minLogN || l.LogN > maxLogN:
		return nil, fmt.Errorf("ring degree 2^%d is outside 2^%d..2^%d", l.LogN, minLogN, maxLogN)
	case len(l.Q) < 1 || len(l.Q) > maxQ || len(l.P) < 1 || len(l.P) > maxP:
		return nil, fmt.Errorf("%d ciphertext and %d special primes", len(l.Q), len(l.P))
	case l.Steps < 1 || l.StepPrimes < 1 || len(l.Q) < 3 || (len(l.Q)-2)%l.StepPrimes != 0 || (len(l.Q)-2)/l.StepPrimes != l.Steps:
		return nil, fmt.Errorf("%d steps of %d primes each, and 2 behind them, want %d primes", l.Steps, l.StepPrimes, len(l.Q))
	case !power(l.Blocks, 1<<(l.LogN-1)) || !power(l.Babies, l.Blocks) || l.Giants != l.Blocks/l.Babies:
		return nil, fmt.Errorf("%d blocks in %d slots, rotated by %d baby and %d giant steps", l.Blocks, 1<<(l.LogN-1), l.Babies, l.Giants)
	case inputs%l.Steps != 0 || outputs < 1 || outputs > l.Blocks:
		return nil, fmt.Errorf("%d inputs in %d steps and %d outputs in %d blocks", inputs, l.Steps, outputs, l.Blocks)
	case !(l.In > 0 && l.In < math.MaxFloat64 && l.Out > 0 && l.Out < math.MaxFloat64):
		return nil, fmt.Errorf("factors %g and %g", l.In, l.Out)
	case len(l.Bound) != outputs || len(l.Usual) != outputs:
		return nil, fmt.Errorf("%d and %d error bounds of %d outputs", len(l.Bound), len(l.Usual), outputs)
	}
	for o := range l.Bound {
		if !(l.Bound[o] >= 0 && l.Usual[o] >= 0) {
			return nil, fmt.Errorf("error bounds of %g and %g", l.Bound[o], l.Usual[o])
		}
	}
	if h.inputs = inputs / l.Steps; h.chunks() > maxChunks {
		return nil, fmt.Errorf("%d ciphertexts of a step's inputs, want at most %d", h.chunks(), maxChunks)
	}
	if err := primes.Check(l.LogN, maxHalfPrimes, append(append([]uint64{}, l.Q...), l.P...)...); err != nil {
		return nil, err
	}
	return h, nil
}

// ring makes the parameters, with this processor's transforms.
func (h *half) ring() (err error) {
	h.params, err = ckks.NewParametersFromLiteral(ckks.ParametersLiteral{LogN: h.LogN, Q: h.Q, P: h.P, LogDefaultScale: minMessage})
	if err == nil {
		_, err = fastntt.Install(h.params)
	}
	return err
}

// slots is how many sequences a batch holds.
func (l *literal) slots() int { return 1 << (l.LogN - 1) / l.Blocks }

// chunks is how many ciphertexts a step's inputs take: blocks elements each.
func (h *half) chunks() int { return (h.inputs + h.Blocks - 1) / h.Blocks }

// limbs is how many limbs step t's linear maps read; for t = Steps, the logits' map.
func (l *literal) limbs(t int) int { return 2 + (l.Steps-t)*l.StepPrimes }

// needs are the keys.
func (h *half) needs() keyset.Needs { return h.split.needs(h.limbs(0), h.slots()) }

// needs are the keys of rotations by blocks of so many slots, and of relinearisation, on
// fresh inputs of so many limbs. The first product is of what the linear maps leave.
func (s split) needs(limbs, slots int) keyset.Needs {
	n := keyset.Needs{Relin: limbs - 1}
	for _, r := range s.rotations() {
		n.Rotate(r*slots, limbs)
	}
	return n
}

func (p *Plan) needs() keyset.Needs { return p.split.needs(p.cell.limbs(0), p.Slots()) }

// chunks is how many ciphertexts a step's inputs take.
func (p *Plan) chunks() int { return (p.cell.inputs + p.blocks - 1) / p.blocks }

// sizes are the sizes of payloads: a seed and a body for each input ciphertext, both
// halves of the output, and the keys.
func (h *half) sizes() he.Sizes {
	limb := int64(8) << h.LogN
	z := he.Sizes{Samples: h.slots(), Inputs: 32, Outputs: 2 * limb, Keys: h.needs().Sent(h.LogN, len(h.P))}
	for t := range h.Steps {
		z.Inputs += int64(h.chunks()*h.limbs(t)) * limb
	}
	return z
}

// encode is the canonical JSON.
func (l *literal) encode() (json.RawMessage, error) { return json.Marshal(l) }

// The names of the executor in halves, and in flags and reports.
const (
	executorName = "lstm"
	backendName  = "packed-ckks"
)

// readHalf makes the half of a client half's parameters; see parseHalf.
func readHalf(s *he.ClientSpec) (*half, error) {
	h, err := parseHalf(s)
	if err != nil {
		return nil, err
	}
	return h, h.ring()
}

// parseHalf checks a client half's parameters. It refuses parameters that are insecure
// without saying so, and sizes that are not theirs.
func parseHalf(s *he.ClientSpec) (*half, error) {
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
	h, err := checkHalf(l, bundle.Size(s.Input.Shape), bundle.Size(s.Output.Shape))
	if err != nil {
		return nil, err
	}
	switch bits := security.Estimate(l.LogN, log2.Product(l.Q, l.P)); {
	case s.Executor != executorName || s.Backend != backendName || s.LogFailure != 0:
		return nil, fmt.Errorf("the client half is for %s (%s), with a failure probability of 2^%g", s.Executor, s.Backend, s.LogFailure)
	case s.SecurityBits != bits:
		return nil, fmt.Errorf("the parameters have %d bits of security, the client half says %d", bits, s.SecurityBits)
	case s.Sizes != h.sizes():
		return nil, fmt.Errorf("sizes are %+v, the parameters give %+v", s.Sizes, h.sizes())
	}
	return h, nil
}

// literal is what clients of the plan need.
func (p *Plan) literal() literal {
	return literal{
		LogN: p.logN, Q: p.params.Q(), P: p.params.P(), Blocks: p.blocks, Steps: p.cell.steps, StepPrimes: p.cell.stepLimbs(),
		Babies: p.split.babies, Giants: p.split.giants, In: p.shared.x, Out: p.shared.out, Bound: p.ErrorBound(), Usual: p.UsualBound(),
	}
}

func (p *Plan) newHalf() (*half, error) {
	h, err := newHalf(p.literal(), p.cell.steps*p.cell.inputs, len(p.cell.w))
	if err != nil {
		return nil, fmt.Errorf("lstm: client half: %w", err)
	}
	return h, nil
}

// ClientPart implements he.Halves.
func (p *Plan) ClientPart() (he.ClientPart, error) {
	h, err := p.half()
	if err != nil {
		return he.ClientPart{}, err
	}
	b, err := h.encode()
	return he.ClientPart{Executor: executorName, Backend: backendName, Sizes: h.sizes(), Parameters: b}, err
}
