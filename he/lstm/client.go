package lstm

import (
	"context"
	"fmt"
	"runtime"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/schemes/ckks"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/guard"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/packed/engine"
	"qtool/he/packed/keyset"
	"qtool/he/wire"
	"qtool/internal/parallel"
)

// Inputs are the ciphertexts of a batch of sequences, of each step's inputs. Public.
type Inputs struct {
	pair  [32]byte
	id    wire.KeyID
	seed  [32]byte // of the masks
	steps [][]engine.Ciphertext
}

// Outputs are a batch's encrypted logits. Public.
type Outputs struct {
	pair   [32]byte
	id     wire.KeyID
	logits engine.Ciphertext
}

// Client owns the secret key: it encrypts batches and decrypts logits. It is safe for
// concurrent use, and implements he.Client.
type Client struct {
	guard.Secret[Client]
	spec *he.ClientSpec
	pair [32]byte // the hash that everything it writes carries
	half *half
	id   wire.KeyID
	*hidden
	flood int // bits of flooding, 0 for none
}

// hidden keeps the key two pointers away; see guard.Secret.
type hidden struct{ secret *rlwe.SecretKey }

var _ he.Flooder = (*Client)(nil)

// NewClient draws a secret key for a client half: uniform ternary, from a stream that the
// operating system seeds.
func NewClient(s *he.ClientSpec) (he.Client, error) {
	return clientOf(s, func(h *half, _ [32]byte) (*rlwe.SecretKey, wire.KeyID, error) {
		return secret.NewFromSystem(h.params.Parameters), wire.NewKeyID(), nil
	})
}

// clientOf is the client of a half that anybody may have made, with a key.
func clientOf(s *he.ClientSpec, key func(*half, [32]byte) (*rlwe.SecretKey, wire.KeyID, error)) (he.Client, error) {
	pair, err := s.Hash()
	if err != nil {
		return nil, err
	}
	h, err := readHalf(s)
	if err != nil {
		return nil, fmt.Errorf("lstm: client half: %w", err)
	}
	k, id, err := key(h, pair)
	if err != nil {
		return nil, err
	}
	return &Client{spec: s, pair: pair, half: h, id: id, hidden: &hidden{k}}, nil
}

// newPlanClient is a client with a new secret key in the process of the plan.
func newPlanClient(p *Plan) (*Client, error) {
	h, err := p.half()
	if err != nil {
		return nil, err
	}
	return &Client{pair: p.Hash(), half: h, id: wire.NewKeyID(), hidden: &hidden{secret.NewFromSystem(h.params.Parameters)}}, nil
}

// Flooding implements he.Flooder.
func (c *Client) Flooding(bits int) (he.Client, error) {
	if err := he.CheckFlooding(backendName, false, bits); err != nil {
		return nil, err
	}
	flooding := *c
	flooding.flood = bits
	return &flooding, nil
}

// Spec implements he.Client.
func (c *Client) Spec() *he.ClientSpec { return c.spec }

// KeyID implements he.Client.
func (c *Client) KeyID() wire.KeyID { return c.id }

// evaluationKeys generates the evaluation keys for the server. done, if not nil, is called
// after each, from one goroutine at a time.
func (c *Client) evaluationKeys(ctx context.Context, done func()) (*EvaluationKeys, error) {
	s, err := keyset.Generate(ctx, runtime.GOMAXPROCS(0), c.half.params.Parameters, c.half.needs(), c.secret, sample.NewSeed(), done)
	if err != nil {
		return nil, err
	}
	return &EvaluationKeys{c.pair, c.id, s}, nil
}

// inputSeed is the seed of the mask of input ciphertext i, which are counted step by step.
func inputSeed(seed [32]byte, i int) sample.Seed { return sample.Derived(seed, "input", uint64(i)) }

// encrypt encrypts up to as many sequences as a batch holds: in the ciphertext k of
// step t, block u holds the quantized input k blocks + u of step t. The inputs of
// a step have just the primes that it begins with.
//
// Slots beyond the sequences repeat them: whatever else they held could lead out of
// the program's domains, and a value that has grown past the modulus spoils all
// slots. For the same reason a sequence that leaves a domain may spoil the batch it
// is in, not its own results alone.
func (c *Client) encrypt(ctx context.Context, input *bundle.Input, sequences []bundle.Sample) (*Inputs, error) {
	h := c.half
	d, n, chunks := h.inputs, h.slots(), h.chunks()
	if len(sequences) < 1 || len(sequences) > n {
		return nil, fmt.Errorf("lstm: %d sequences, want 1..%d in a batch", len(sequences), n)
	}
	if err := input.CheckSamples(sequences); err != nil {
		return nil, fmt.Errorf("lstm: %w", err)
	}
	in := &Inputs{pair: c.pair, id: c.id, seed: sample.NewSeed()}
	for range h.Steps {
		in.steps = append(in.steps, make([]engine.Ciphertext, chunks))
	}
	workers := runtime.GOMAXPROCS(0)
	key, err := secret.Prepare(h.params.Parameters, c.secret)
	if err != nil {
		return nil, fmt.Errorf("lstm: %w", err)
	}
	tools := make([]*encrypter, workers)
	for w := range tools {
		tools[w] = &encrypter{newEncoder(h), key.Encrypter(sample.NewSeed())}
	}
	err = parallel.Run(ctx, workers, h.Steps*chunks, func(w, i int) (err error) {
		t, k := i/chunks, i%chunks
		slots := tools[w].slots
		clear(slots)
		for u := range min(h.Blocks, d-k*h.Blocks) {
			for s := range n {
				sequence := sequences[s%len(sequences)]
				slots[u*n+s] = complex(h.In*float64(sequence[t*d+k*h.Blocks+u]), 0)
			}
		}
		in.steps[t][k], err = tools[w].encrypt(h.limbs(t), inputSeed(in.seed, i))
		return err
	}, nil)
	if err != nil {
		return nil, err
	}
	return in, nil
}

// encrypter is what one goroutine encrypts with.
type encrypter struct {
	*encoder
	encrypter *secret.Encrypter
}

// encrypt encrypts the encoder's slots.
func (e *encrypter) encrypt(limbs int, public sample.Seed) (engine.Ciphertext, error) {
	if err := e.round(); err != nil {
		return nil, err
	}
	body, mask := e.encrypter.Encrypt(secret.Message{Coefficients: e.coefficients}, limbs, public)
	return engine.Ciphertext{body, mask}, nil
}

// decrypt gives the first n sequences' logits as reals, in the units of the
// program's integers: the integer reference plus an error that the half states.
//
// The result carries the error of the ciphertexts, from which the secret key can
// be found by whoever sees enough of them: what leaves the key owner must go through
// he.Approximate.Rounded or Flooded first.
func (c *Client) decrypt(out *Outputs, n int) (he.Approximate, error) {
	h := c.half
	if out == nil || out.pair != c.pair || len(out.logits) != 2 || out.logits.Limbs() != 1 {
		return he.Approximate{}, fmt.Errorf("lstm: the outputs are of another plan")
	}
	if out.id != c.id {
		return he.Approximate{}, fmt.Errorf("lstm: the outputs belong to another secret key")
	}
	if n < 0 || n > h.slots() {
		return he.Approximate{}, fmt.Errorf("lstm: %d sequences are outside 0..%d", n, h.slots())
	}
	ct := rlwe.NewCiphertext(h.params, 1, 0)
	ct.Scale = rlwe.NewScale(h.Out)
	ct.LogDimensions = h.params.LogMaxDimensions()
	ct.IsBatched, ct.IsNTT = true, true
	for k := range ct.Value {
		ct.Value[k] = ring.Poly{Coeffs: [][]uint64(out.logits[k])}
	}
	slots := make([]float64, h.params.MaxSlots())
	if err := ckks.NewEncoder(h.params).Decode(rlwe.NewDecryptor(h.params, c.secret).DecryptNew(ct), slots); err != nil {
		return he.Approximate{}, fmt.Errorf("lstm: decoding: %w", err)
	}
	a := he.Approximate{Reals: make([][]float64, n), Bound: h.Bound, Usual: h.Usual}
	for s := range a.Reals {
		a.Reals[s] = make([]float64, len(h.Bound))
		for o := range a.Reals[s] {
			a.Reals[s][o] = slots[o*h.slots()+s]
		}
	}
	return a, nil
}

// check refuses inputs that were not made for the plan and with the key.
func (in *Inputs) check(h *half, pair [32]byte, id wire.KeyID) error {
	if in == nil || in.pair != pair || len(in.steps) != h.Steps {
		return fmt.Errorf("lstm: the inputs are of another plan")
	}
	if in.id != id {
		return fmt.Errorf("lstm: the inputs belong to another secret key than the evaluation keys")
	}
	for t, cts := range in.steps {
		if len(cts) != h.chunks() {
			return fmt.Errorf("lstm: step %d has %d ciphertexts, want %d", t+1, len(cts), h.chunks())
		}
		for _, ct := range cts {
			if len(ct) != 2 || ct.Limbs() != h.limbs(t) {
				return fmt.Errorf("lstm: step %d has ciphertexts of degree %d and %d primes, want 1 and %d", t+1, len(ct)-1, ct.Limbs(), h.limbs(t))
			}
		}
	}
	return nil
}
