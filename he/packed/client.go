package packed

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/schemes/ckks"

	"qtool/bundle"
	"qtool/he/internal/guard"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/packed/engine"
	"qtool/he/wire"
	"qtool/internal/elementary"
	"qtool/internal/parallel"
)

// Inputs are a sample's ciphertexts, Outputs its logits'. Both name the plan
// that they belong to.
type Inputs struct{ ciphertexts }

// Outputs are what the server gives back; see Inputs.
type Outputs struct{ ciphertexts }

type ciphertexts struct {
	plan  [32]byte
	id    wire.KeyID
	cts   []engine.Ciphertext
	scale float64
}

// Client owns the secret key: it encrypts samples and decrypts logits. It is
// safe for concurrent use.
type Client struct {
	guard.Secret[Client]
	*client
}

// client is what a Client holds.
type client struct {
	plan   *Plan
	id     wire.KeyID
	secret *rlwe.SecretKey
	tools  sync.Pool // of *tools
}

// NewClient generates a secret key: uniform ternary, from a stream that the
// operating system seeds.
func NewClient(p *Plan) *Client {
	c := &Client{client: &client{plan: p, id: wire.NewKeyID(), secret: secret.NewFromSystem(p.fastRing())}}
	c.tools.New = func() any { return newTools(ckksEncoder(p.fast())(), p.fastRing(), c.secret, sample.NewSeed()) }
	return c
}

// EvaluationKeys generates the evaluation keys for the server.
func (c *Client) EvaluationKeys(ctx context.Context) (*EvaluationKeys, error) {
	return generateKeys(ctx, &c.plan.common, c.secret, c.id)
}

// Encrypt packs and encrypts a sample: view v of the plan
// holds in slot s the quantized input that the view names, times the input's
// unit, at the plan's scale.
func (c *Client) Encrypt(ctx context.Context, s bundle.Sample) (*Inputs, error) {
	p := c.plan
	if err := p.program.Input.CheckSamples([]bundle.Sample{s}); err != nil {
		return nil, fmt.Errorf("packed: %w", err)
	}
	views := p.lowered.Views
	in := &Inputs{ciphertexts{p.hash, c.id, make([]engine.Ciphertext, len(views)), p.scales.fresh}}
	err := parallel.With(ctx, runtime.GOMAXPROCS(0), len(views), func() *tools[float64] { return c.tools.Get().(*tools[float64]) }, func(t *tools[float64], v int) (err error) {
		in.cts[v], err = t.encrypt(&p.common, c.slots(views[v], s), p.scales.fresh)
		return err
	}, func(t *tools[float64]) { c.tools.Put(t) })
	if err != nil {
		return nil, err
	}
	return in, nil
}

func (c *Client) slots(view []int32, s bundle.Sample) []float64 {
	slots := make([]float64, len(view))
	for k, e := range view {
		if e >= 0 {
			slots[k] = float64(s[e]) * c.plan.units[0]
		}
	}
	return slots
}

func logLength(v []float64) int { return int(elementary.Log2(float64(len(v)))) }

// Decrypt gives the program's outputs as reals, in the program's integers'
// units: integer reference plus an error that Plan.ErrorBound bounds.
//
// The result carries the error of the ciphertexts, from which the secret key
// can be found by whoever sees enough of them: what leaves the key owner must go
// through Public first.
//
// Reference: Li and Micciancio, "On the Security of Homomorphic Encryption on
// Approximate Numbers", EUROCRYPT 2021.
func (c *Client) Decrypt(ctx context.Context, out *Outputs) ([]float64, error) {
	p := c.plan
	read := p.lowered.Outputs()
	if err := out.check(&p.common, c.id, read.Cts, p.outLimbs(), p.scales.out); err != nil {
		return nil, err
	}
	last := &p.values[len(p.values)-1]
	encoder := ckks.NewEncoder(p.fast())
	decryptor := rlwe.NewDecryptor(p.fast(), c.secret)
	logits := make([]float64, len(last.gain))
	for k, from := range out.cts {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		ct := rlwe.NewCiphertext(p.params, 1, p.outLimbs()-1)
		for h := range ct.Value {
			for i := range from[h] {
				copy(ct.Value[h].Coeffs[i], from[h][i])
			}
		}
		ct.IsNTT, ct.IsBatched = true, true
		ct.Scale = rlwe.NewScale(p.scales.out)
		ct.LogDimensions = p.params.LogMaxDimensions()
		slots := make([]float64, p.params.MaxSlots())
		if err := encoder.Decode(decryptor.DecryptNew(ct), slots); err != nil {
			return nil, fmt.Errorf("packed: decoding: %w", err)
		}
		for o := range logits {
			if int(read.Ct[o]) == k {
				logits[o] = float64(last.gain[o]*slots[read.Slot[o]]) + last.offset[o]
			}
		}
	}
	return logits, nil
}

// outLimbs is the limbs of the outputs.
func (p *common) outLimbs() int {
	return p.lowered.Stages[len(p.lowered.Stages)-1].Exit()
}

// check refuses ciphertexts that are not those the plan expects.
func (c *ciphertexts) check(p *common, id wire.KeyID, n, limbs int, scale float64) error {
	if c == nil || c.plan != p.hash {
		return fmt.Errorf("packed: the ciphertexts are of another plan")
	}
	if c.id != id {
		return fmt.Errorf("packed: the ciphertexts belong to another secret key")
	}
	if len(c.cts) != n {
		return fmt.Errorf("packed: %d ciphertexts, the plan has %d", len(c.cts), n)
	}
	if c.scale != scale {
		return fmt.Errorf("packed: ciphertexts have scale %g, the plan has %g", c.scale, scale)
	}
	for i, ct := range c.cts {
		if len(ct) != 2 || ct.Limbs() != limbs || len(ct[1]) != limbs {
			return fmt.Errorf("packed: ciphertext %d has degree %d and %d limbs, the plan has 1 and %d", i, len(ct)-1, ct.Limbs(), limbs)
		}
	}
	return nil
}

// ErrorBound bounds the error of each output, in the units of the program's
// integers, with probability 1 - 2^-40 each: for inputs whose values stay in
// the calibration ranges, or, if proved, for any input. See ckks_noise.go.
func (p *Plan) ErrorBound(proved bool) []float64 {
	deviations := p.usual.outputs
	if proved {
		deviations = p.proved.outputs
	}
	bounds := make([]float64, len(deviations))
	for o, d := range deviations {
		bounds[o] = math.Abs(p.values[len(p.values)-1].gain[o]) * sureness * d
	}
	return bounds
}

// Public rounds decrypted outputs to multiples of a power of two that is at
// least twice each output's error bound for any input, so that they say next to nothing
// of the error, and may leave the key owner. See SECURITY.md for what this does
// and does not give.
func (p *Plan) Public(outputs []float64) []float64 {
	rounded := make([]float64, len(outputs))
	for o, b := range p.ErrorBound(true) {
		grid := elementary.Exp2(math.Ceil(elementary.Log2(2 * b)))
		rounded[o] = grid * math.RoundToEven(outputs[o]/grid)
	}
	return rounded
}
