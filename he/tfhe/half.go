package tfhe

import (
	"encoding/json"
	"fmt"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/sample"
	"qtool/internal/strict"
	"qtool/internal/whole"
)

// Executor is the name of this back end in client and server halves, Backend the one in
// flags and reports.
const (
	Executor = "tfhe"
	Backend  = "pbs"
)

// literal is what a client needs, as a client half has it.
type literal struct {
	Parameters ParametersLiteral `json:"parameters"`
	// Inputs are runs of inputs with one encoding: half the message space, and how many.
	Inputs [][2]int `json:"inputs"`
	// Outputs are the static bounds of every logit, Half is half their message space.
	Outputs [][2]int64 `json:"outputs"`
	Half    int        `json:"half_message_space"`
	// Precise says that logits are residues modulo Q, and words of 32 bits otherwise.
	Precise bool `json:"precise"`
}

// half is a checked literal. It says nothing of weights and tables but the logits'
// bounds.
type half struct {
	literal
	params *Parameters
	inputs []int // half the message space of every input
}

// maxHalf bounds half a message space: a gain and the logits' ranges take less.
const maxHalf = 1 << 29

// newHalf is the half of a plan.
func newHalf(params *Parameters, inputs []encoding, last *layer) *half {
	h := &half{params: params, literal: literal{Parameters: params.ParametersLiteral, Half: last.half, Precise: last.precise}}
	for i := range inputs {
		h.inputs = append(h.inputs, inputs[i].half)
		if n := len(h.Inputs); n > 0 && h.Inputs[n-1][0] == inputs[i].half {
			h.Inputs[n-1][1]++
		} else {
			h.Inputs = append(h.Inputs, [2]int{inputs[i].half, 1})
		}
	}
	for o := range last.lo {
		h.Outputs = append(h.Outputs, [2]int64{last.lo[o], last.hi[o]})
	}
	return h
}

// readHalf checks the parameters of a client half, which anybody may have made.
func readHalf(s *he.ClientSpec) (*half, error) {
	if s.Executor != Executor {
		return nil, fmt.Errorf("executor %q, want %q", s.Executor, Executor)
	}
	h := &half{}
	if err := strict.JSON(s.Parameters, &h.literal); err != nil {
		return nil, err
	}
	if err := whole.Canonical(s.Parameters, func() ([]byte, error) { return json.Marshal(&h.literal) }); err != nil {
		return nil, err
	}
	var err error
	if h.params, err = NewParameters(h.Parameters); err != nil {
		return nil, err
	}
	if got := h.params.SecurityBits(); got != s.SecurityBits {
		return nil, fmt.Errorf("its parameters have about %d bits of security, it says %d", got, s.SecurityBits)
	}
	if err := h.checkInputs(bundle.Size(s.Input.Shape)); err != nil {
		return nil, err
	}
	if err := h.checkOutputs(bundle.Size(s.Output.Shape)); err != nil {
		return nil, err
	}
	if got := h.sizes(); got != s.Sizes {
		return nil, fmt.Errorf("its parameters give the sizes %+v, it says %+v", got, s.Sizes)
	}
	return h, nil
}

// checkInputs expands the runs of n inputs.
func (h *half) checkInputs(n int) error {
	left := n
	for i, run := range h.Inputs {
		if run[0] < 1 || run[0] > maxHalf || run[1] < 1 || run[1] > left || i > 0 && run[0] == h.Inputs[i-1][0] {
			return fmt.Errorf("run %d of inputs is %v, of which %d are left", i, run, left)
		}
		left -= run[1]
	}
	if left != 0 {
		return fmt.Errorf("%d of %d inputs have no encoding", left, n)
	}
	h.inputs = make([]int, 0, n)
	for _, run := range h.Inputs {
		for range run[1] {
			h.inputs = append(h.inputs, run[0])
		}
	}
	return nil
}

// checkOutputs checks the bounds of n logits.
func (h *half) checkOutputs(n int) error {
	if len(h.Outputs) != n || h.Half < 1 || h.Half > maxHalf {
		return fmt.Errorf("%d logits in half a message space of %d, want %d in at most %d", len(h.Outputs), h.Half, n, maxHalf)
	}
	for o, b := range h.Outputs {
		if b[0] > b[1] || b[0] < -1<<31 || b[1] >= 1<<31 || b[1]-b[0] >= 2*int64(h.Half) {
			return fmt.Errorf("logit %d has the bounds %v in half a message space of %d", o, b, h.Half)
		}
	}
	return nil
}

// sizes are the payloads; see wire.go.
func (h *half) sizes() he.Sizes {
	n, word := int64(h.params.N()), int64(4)
	if h.Precise {
		word = 8
	}
	return he.Sizes{
		Samples: 1, Inputs: sample.SeedSize + int64(h.parts())*8*n, Outputs: int64(len(h.Outputs)) * word * (n + 1),
		Keys: sample.SeedSize + h.params.bodyBytes(),
	}
}

// parts is the number of ring ciphertexts of a sample.
func (h *half) parts() int { return (len(h.inputs) + h.params.N() - 1) / h.params.N() }

// logit is the message of encrypted logit o, and its noise.
func (h *half) logit(k *SecretKey, out *Output, o int) (message int, noise float64) {
	if h.Precise {
		return exactMessage(k.exactPhase(out.exact[o]), h.params.q, h.Half)
	}
	return message32(k.phase(out.logits[o]), h.Half)
}
