// Package he is what every executor of an integer program has in common: the
// interface, and what a run gives back. The executors are in the folders below it, one
// for each kind of encryption; this package itself knows no encryption library.
package he

import (
	"context"

	"qtool/bundle"
)

// Executor runs one integer program on samples: codes that the client's encoder and the
// program's input quantizer made (see bundle.Sample).
type Executor interface {
	// Backend says what runs the program and with which parameters.
	Backend() Backend
	// Run answers every sample, in order, and says what that cost. On error it returns
	// no results. step, if not nil, is called from one goroutine at a time as work is
	// done.
	Run(ctx context.Context, samples []bundle.Sample, step func(Step)) (*Result, error)
}

// Simulator is an Executor that can predict its results without encryption: the
// same integers with noise drawn from seed as it is predicted to be.
type Simulator interface {
	Executor
	// Simulate answers every sample, in order. step, if not nil, is called from one
	// goroutine at a time.
	Simulate(ctx context.Context, samples []bundle.Sample, seed uint64, step func(Step)) (*Simulation, error)
}

// Simulation is what a Simulator predicts: answers, and the account of the look-ups that
// made them.
type Simulation struct {
	Answers Exact
	Lookups *Lookups
}

// Step tells a progress bar that Done of Total units of the run are finished,
// and in which phase ("keygen", "encrypt", "evaluate", "decrypt") it is.
type Step struct {
	Phase       string
	Done, Total int
}

// Result is what an Executor gives back.
type Result struct {
	Answers  Answers
	Cost     Cost
	Accounts []Account
}

// Backend describes an executor for the report.
type Backend struct {
	Name             string   `json:"name"`
	LogN             int      `json:"log_n"`
	LogQP            float64  `json:"log_qp"`
	PlaintextModuli  []uint64 `json:"plaintext_moduli"`
	SecurityBits     int      `json:"security_bits"`
	PredictedBits    float64  `json:"predicted_noise_bits_left"`
	CiphertextModuli []uint64 `json:"ciphertext_moduli"`
	Slots            int      `json:"slots"`
	// Single says that samples go through one after the other, so that a caller who
	// wants their results one by one gives Run one at a time: what is made once, keys
	// and encoded weights, is kept between runs.
	Single bool `json:"-"`
	// TorusSlots is the size of the outputs' message space: how many output values a
	// torus element can stand for, in the place of PlaintextModuli; 0 elsewhere.
	TorusSlots int `json:"torus_slots,omitempty"`
	// Approximate says that outputs are reals with a stated error instead of the
	// program's integers.
	Approximate bool `json:"approximate,omitempty"`
	// Why explains the parameters, a sentence an entry.
	Why []string `json:"why"`
	// Budget is the predicted noise budget after each layer, in order; empty
	// where the executor doesn't predict it layer by layer.
	Budget []StageBudget `json:"noise_budget"`
	// Tables describes each layer of lookup tables; empty where the program has
	// none, or the executor doesn't tell them apart.
	Tables []TableLayer `json:"tables,omitempty"`
}

// BatchSize is how many samples the executor evaluates at once; 0 is any number.
func (b Backend) BatchSize() int {
	if b.Single {
		return 1
	}
	return b.Slots
}

// TableLayer describes a layer's tables: PerSample of them, whose inputs take up to
// Domain values, and of which Symmetric are odd or even about a centre.
// Microseconds is what one look-up of one sample took, on one core.
type TableLayer struct {
	Layer        string  `json:"layer"`
	PerSample    int     `json:"per_image"`
	Domain       int     `json:"domain"`
	Symmetric    int     `json:"symmetric"`
	Microseconds float64 `json:"microseconds"`
}

// StageBudget is the predicted noise budget after a layer: BitsLeft is log2 of
// how often the predicted noise fits below the wrap-around of a ciphertext
// modulus of LogQ bits.
type StageBudget struct {
	Layer    string  `json:"layer"`
	BitsLeft float64 `json:"bits_left"`
	LogQ     float64 `json:"log_q"`
}

// Cost is what a run took: wall-clock seconds by phase and bytes by object.
type Cost struct {
	Seconds struct{ Keygen, Encrypt, Evaluate, Decrypt float64 }
	Bytes   struct {
		// CiphertextIn and CiphertextOut are the serialised ciphertexts of one
		// full batch, all plaintext moduli together.
		CiphertextIn, CiphertextOut int64
		// Keys is the evaluation keys sent to the server.
		Keys int64
	}
}
