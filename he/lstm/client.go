package lstm

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/schemes/ckks"

	"qtool/bundle"
	"qtool/he/internal/guard"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/packed/engine"
	"qtool/he/packed/keyset"
	"qtool/he/wire"
	"qtool/internal/elementary"
	"qtool/internal/parallel"
)

// Inputs are the ciphertexts of a batch of sequences, of each step's inputs. They
// say nothing of how many sequences there are. Public.
type Inputs struct {
	plan  [32]byte
	id    wire.KeyID
	steps [][]engine.Ciphertext
}

// Outputs are a batch's encrypted logits. Public.
type Outputs struct {
	plan   [32]byte
	id     wire.KeyID
	logits engine.Ciphertext
}

// Client owns the secret key: it encrypts batches and decrypts logits. It is not
// safe for concurrent use.
type Client struct {
	guard.Secret[Client]
	plan *Plan
	id   wire.KeyID
	*hidden
}

// hidden keeps the key two pointers away; see guard.Secret.
type hidden struct{ secret *rlwe.SecretKey }

// NewClient generates a secret key: uniform ternary, from a stream that the
// operating system seeds.
func NewClient(p *Plan) *Client {
	return &Client{plan: p, id: wire.NewKeyID(), hidden: &hidden{secret.NewFromSystem(p.fast().Parameters)}}
}

// EvaluationKeys generates the evaluation keys for the server. done, if not nil, is called
// after each, from one goroutine at a time.
func (c *Client) EvaluationKeys(ctx context.Context, done func()) (*EvaluationKeys, error) {
	p := c.plan
	s, err := keyset.Generate(ctx, p.workers, p.fast().Parameters, p.needs(), c.secret, sample.NewSeed(), done)
	if err != nil {
		return nil, err
	}
	return &EvaluationKeys{p.hash, c.id, s}, nil
}

// chunks is how many ciphertexts a step's inputs take: blocks elements each.
func (p *Plan) chunks() int { return (p.cell.inputs + p.blocks - 1) / p.blocks }

// Encrypt encrypts up to Plan.Slots sequences: in the ciphertext k of
// step t, block u holds the quantized input k blocks + u of step t. The inputs of
// a step have just the primes that it begins with.
//
// Slots beyond the sequences repeat them: whatever else they held could lead out of
// the program's domains, and a value that has grown past the modulus spoils all
// slots. For the same reason a sequence that leaves a domain may spoil the batch it
// is in, not its own results alone.
func (c *Client) Encrypt(ctx context.Context, sequences []bundle.Sample) (*Inputs, error) {
	p := c.plan
	steps, d := p.cell.steps, p.cell.inputs
	if len(sequences) < 1 || len(sequences) > p.Slots() {
		return nil, fmt.Errorf("lstm: %d sequences, want 1..%d in a batch", len(sequences), p.Slots())
	}
	if err := p.program.Input.CheckSamples(sequences); err != nil {
		return nil, fmt.Errorf("lstm: %w", err)
	}
	in := &Inputs{plan: p.hash, id: c.id}
	for range steps {
		in.steps = append(in.steps, make([]engine.Ciphertext, p.chunks()))
	}
	seed := sample.NewSeed() // of the masks
	tools := make([]*encrypter, p.workers)
	for w := range tools {
		tools[w] = &encrypter{p.newEncoder(), secret.NewEncrypter(p.fast().Parameters, c.secret, sample.NewSeed())}
	}
	err := parallel.Run(ctx, p.workers, steps*p.chunks(), func(w, i int) (err error) {
		t, k := i/p.chunks(), i%p.chunks()
		slots := tools[w].slots
		clear(slots)
		for u := range min(p.blocks, d-k*p.blocks) {
			for s := range p.Slots() {
				sequence := sequences[s%len(sequences)]
				slots[u*p.Slots()+s] = complex(p.shared.x*float64(sequence[t*d+k*p.blocks+u]), 0)
			}
		}
		in.steps[t][k], err = tools[w].encrypt(p.cell.limbs(t), sample.Derived(seed, "input", uint64(i)))
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
	m := make(engine.Poly, limbs)
	for i := range m {
		m[i] = make([]uint64, e.plan.params.N())
	}
	if err := e.encode(m, use{}); err != nil {
		return nil, err
	}
	return engine.Ciphertext{m, e.encrypter.Encrypt(m, public)}, nil
}

// Decrypt gives the first n sequences' logits as reals, in the units of the
// program's integers: the integer reference plus an error that Plan.ErrorBound
// states.
//
// The result carries the error of the ciphertexts, from which the secret key can
// be found by whoever sees enough of them: it is for the key owner alone.
//
// Reference: Li and Micciancio, "On the Security of Homomorphic Encryption on
// Approximate Numbers", EUROCRYPT 2021.
func (c *Client) Decrypt(out *Outputs, n int) ([][]float64, error) {
	p := c.plan
	if out == nil || out.plan != p.hash || len(out.logits) != 2 || out.logits.Limbs() != 1 {
		return nil, fmt.Errorf("lstm: the outputs are of another plan")
	}
	if out.id != c.id {
		return nil, fmt.Errorf("lstm: the outputs belong to another secret key")
	}
	if n < 0 || n > p.Slots() {
		return nil, fmt.Errorf("lstm: %d sequences are outside 0..%d", n, p.Slots())
	}
	ct := rlwe.NewCiphertext(p.params, 1, 0)
	*ct.MetaData = *p.metadata(p.shared.out)
	for h := range ct.Value {
		ct.Value[h] = ring.Poly{Coeffs: [][]uint64(out.logits[h])}
	}
	slots := make([]float64, p.params.MaxSlots())
	if err := ckks.NewEncoder(p.fast()).Decode(rlwe.NewDecryptor(p.fast(), c.secret).DecryptNew(ct), slots); err != nil {
		return nil, fmt.Errorf("lstm: decoding: %w", err)
	}
	logits := make([][]float64, n)
	for s := range logits {
		logits[s] = make([]float64, len(p.cell.w))
		for o := range logits[s] {
			logits[s][o] = slots[o*p.Slots()+s]
		}
	}
	return logits, nil
}

// check refuses inputs that were not made for the plan and with the key.
func (in *Inputs) check(p *Plan, id wire.KeyID) error {
	if in == nil || in.plan != p.hash || len(in.steps) != p.cell.steps {
		return fmt.Errorf("lstm: the inputs are of another plan")
	}
	if in.id != id {
		return fmt.Errorf("lstm: the inputs belong to another secret key than the evaluation keys")
	}
	for t, cts := range in.steps {
		if len(cts) != p.chunks() {
			return fmt.Errorf("lstm: step %d has %d ciphertexts, want %d", t+1, len(cts), p.chunks())
		}
		for _, ct := range cts {
			if len(ct) != 2 || ct.Limbs() != p.cell.limbs(t) {
				return fmt.Errorf("lstm: step %d has ciphertexts of degree %d and %d primes, want 1 and %d", t+1, len(ct)-1, ct.Limbs(), p.cell.limbs(t))
			}
		}
	}
	return nil
}

// Bytes is the size of the coefficients as they are sent, 8 bytes each.
func (in *Inputs) Bytes() (n int64) {
	for _, cts := range in.steps {
		for _, ct := range cts {
			n += ciphertextBytes(ct)
		}
	}
	return n
}

// Bytes is the size of the coefficients as they are sent, 8 bytes each.
func (out *Outputs) Bytes() int64 { return ciphertextBytes(out.logits) }

func ciphertextBytes(ct engine.Ciphertext) (n int64) {
	for _, p := range ct {
		for _, l := range p {
			n += int64(8 * len(l))
		}
	}
	return n
}

// SHA256 is the hash of the coefficients, little endian, in order: what the
// server sees of a batch.
func (in *Inputs) SHA256() [32]byte { return sum(slices.Concat(in.steps...)) }

// SHA256 is the hash of the coefficients, in the way of Inputs.SHA256.
func (out *Outputs) SHA256() [32]byte { return sum([]engine.Ciphertext{out.logits}) }

func sum(cts []engine.Ciphertext) [32]byte {
	h := sha256.New()
	buffer := make([]byte, 0, 8<<12)
	for _, ct := range cts {
		for _, p := range ct {
			for _, l := range p {
				for part := range slices.Chunk(l, 1<<12) {
					buffer = buffer[:0]
					for _, x := range part {
						buffer = binary.LittleEndian.AppendUint64(buffer, x)
					}
					h.Write(buffer)
				}
			}
		}
	}
	return [32]byte(h.Sum(nil))
}

// Public rounds decrypted logits to multiples of a power of two that is at least
// twice the stated error, so that they say next to nothing of it, and may leave
// the key owner. See SECURITY.md for what this does and does not give.
func (p *Plan) Public(logits []float64) []float64 {
	rounded := make([]float64, len(logits))
	for o, b := range p.ErrorBound() {
		grid := elementary.Exp2(math.Ceil(elementary.Log2(2 * b)))
		rounded[o] = grid * math.RoundToEven(logits[o]/grid)
	}
	return rounded
}
