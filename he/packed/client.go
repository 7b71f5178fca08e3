package packed

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

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

// Client owns the secret key of either scheme: it encrypts samples and decrypts outputs.
// It is safe for concurrent use, and implements he.Client.
type Client struct {
	guard.Secret[Client]
	*client
	flood int // bits of flooding, 0 for none
}

// client is what a Client holds.
type client struct {
	spec     *he.ClientSpec
	pair     [32]byte // the hash that everything it writes carries
	half     *half
	id       wire.KeyID
	secret   *rlwe.SecretKey
	prepared func() (*secret.Prepared, error) // of the secret key
	tools    []sync.Pool                      // of *tools, for each plaintext prime
}

var _ he.Flooder = (*Client)(nil)

// NewClient draws a secret key for a client half: uniform ternary, from a stream that the
// operating system seeds.
func NewClient(s *he.ClientSpec) (he.Client, error) { return role(clientOf(s, nil)) }

// role is c as the interface has it, or nil with the error.
func role(c *Client, err error) (he.Client, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}

// clientOf is the client of a half that anybody may have made, with the key that read
// reads or, where that is nil, a new one.
func clientOf(s *he.ClientSpec, read func(*half, [32]byte) (*rlwe.SecretKey, wire.KeyID, error)) (*Client, error) {
	pair, err := s.Hash()
	if err != nil {
		return nil, err
	}
	h, err := readHalf(s, bundle.Size(s.Input.Shape), bundle.Size(s.Output.Shape))
	if err != nil {
		return nil, fmt.Errorf("packed: client half: %w", err)
	}
	if read == nil {
		return newClient(s, pair, h, secret.NewFromSystem(h.params), wire.NewKeyID()), nil
	}
	key, id, err := read(h, pair)
	if err != nil {
		return nil, err
	}
	return newClient(s, pair, h, key, id), nil
}

func newClient(s *he.ClientSpec, pair [32]byte, h *half, key *rlwe.SecretKey, id wire.KeyID) *Client {
	return &Client{client: &client{
		spec: s, pair: pair, half: h, id: id, secret: key, tools: make([]sync.Pool, h.primes()),
		prepared: sync.OnceValues(func() (*secret.Prepared, error) { return secret.Prepare(h.params, key) }),
	}}
}

// tool is a tool for a plaintext prime, to be put back into its pool.
func (c *Client) tool(prime int, key *secret.Prepared) *tools {
	if t := c.tools[prime].Get(); t != nil {
		return t.(*tools)
	}
	return &tools{c.half.packer(prime), key.Encrypter(sample.NewSeed())}
}

// Flooding implements he.Flooder.
func (c *Client) Flooding(bits int) (he.Client, error) {
	if err := he.CheckFlooding(bgvName, c.half.Reals == nil, bits); err != nil {
		return nil, err
	}
	return &Client{client: c.client, flood: bits}, nil
}

// Spec implements he.Client.
func (c *Client) Spec() *he.ClientSpec { return c.spec }

// KeyID implements he.Client.
func (c *Client) KeyID() wire.KeyID { return c.id }

// evaluationKeys generates the evaluation keys, which serve all plaintext primes.
func (c *Client) evaluationKeys(ctx context.Context) (*EvaluationKeys, error) {
	s, err := keyset.Generate(ctx, runtime.GOMAXPROCS(0), c.half.params, c.half.needs, c.secret, sample.NewSeed(), nil)
	if err != nil {
		return nil, err
	}
	return &EvaluationKeys{c.pair, c.id, s}, nil
}

// packer arranges a sample in the slots of a view and encodes them. The message is good
// until the next.
type packer func(view []int32, s bundle.Sample) (secret.Message, error)

// tools are what one goroutine packs and encrypts with.
type tools struct {
	pack      packer
	encrypter *secret.Encrypter
}

// encrypt packs and encrypts a view of a sample, on so many limbs; see secret.Encrypter.
func (t *tools) encrypt(view []int32, s bundle.Sample, limbs int, public sample.Seed) (engine.Ciphertext, error) {
	m, err := t.pack(view, s)
	if err != nil {
		return nil, fmt.Errorf("packed: encoding: %w", err)
	}
	body, mask := t.encrypter.Encrypt(m, limbs, public)
	return engine.Ciphertext{body, mask}, nil
}

// Inputs are a sample's ciphertexts, for every plaintext prime and view.
type Inputs struct {
	pair [32]byte
	id   wire.KeyID
	seed [32]byte // of the masks
	cts  [][]engine.Ciphertext
}

// Outputs are the ciphertexts of a sample's outputs, for every plaintext prime.
type Outputs struct {
	pair [32]byte
	id   wire.KeyID
	cts  [][]engine.Ciphertext
}

// inputSeed is the seed of the mask of ciphertext i of inputs: number v of plaintext prime
// k of n views is k n + v.
func inputSeed(seed [32]byte, i int) sample.Seed { return sample.Derived(seed, "input", uint64(i)) }

// encrypt packs and encrypts a sample: view v of the half holds in slot s the quantized
// input that the view names, once for every plaintext prime.
func (c *Client) encrypt(ctx context.Context, in *bundle.Input, s bundle.Sample) (*Inputs, error) {
	if err := in.CheckSamples([]bundle.Sample{s}); err != nil {
		return nil, fmt.Errorf("packed: %w", err)
	}
	h := c.half
	key, err := c.prepared()
	if err != nil {
		return nil, fmt.Errorf("packed: %w", err)
	}
	views := len(h.views)
	out := &Inputs{c.pair, c.id, sample.NewSeed(), make([][]engine.Ciphertext, h.primes())}
	for k := range out.cts {
		out.cts[k] = make([]engine.Ciphertext, views)
		err := parallel.With(ctx, runtime.GOMAXPROCS(0), views, func() *tools { return c.tool(k, key) }, func(t *tools, v int) (err error) {
			out.cts[k][v], err = t.encrypt(h.views[v], s, len(h.Q), inputSeed(out.seed, k*views+v))
			return err
		}, func(t *tools) { c.tools[k].Put(t) })
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// decrypt gives the program's outputs: of BGV the integers, with the noise budget that
// was left; of CKKS reals in the integers' units, with an error that the half bounds.
//
// Such reals carry the error of the ciphertexts, from which the secret key can be found by
// whoever sees enough of them: what leaves the key owner must go through
// he.Approximate.Rounded or Flooded first.
func (c *Client) decrypt(ctx context.Context, node *bundle.Node, out *Outputs) (*he.Decrypted, error) {
	h := c.half
	if err := out.check(h, c.pair, c.id); err != nil {
		return nil, err
	}
	if h.Reals != nil {
		return c.reals(ctx, out.cts[0])
	}
	residues, left := make([][]uint64, h.primes()), math.Inf(1)
	for k := range residues {
		residue, bits, err := c.residues(ctx, k, out.cts[k])
		if err != nil {
			return nil, err
		}
		residues[k], left = residue, min(left, bits)
	}
	if left < minBudget {
		return nil, fmt.Errorf("packed: the noise leaves %.1f bits below the wrap-around, at least %d are needed for a certain result", left, minBudget)
	}
	logits, err := h.join(node.Range, residues)
	if err != nil {
		return nil, err
	}
	return &he.Decrypted{Answers: he.Exact{logits}, Accounts: []he.Account{he.Noise{BitsLeft: left}}}, nil
}

// ciphertext is a copy of an output for Lattigo's decryptor.
func (h *half) ciphertext(from engine.Ciphertext) *rlwe.Ciphertext {
	ct := rlwe.NewCiphertext(h.params, 1, h.Limbs-1)
	for i := range ct.Value {
		for k := range from[i] {
			copy(ct.Value[i].Coeffs[k], from[i][k])
		}
	}
	ct.IsNTT = true
	return ct
}

var errPair = errors.New("packed: the ciphertexts are of another plan")

// check refuses outputs that are not those of the half.
func (out *Outputs) check(h *half, pair [32]byte, id wire.KeyID) error {
	if out == nil {
		return errPair
	}
	return check(out.pair, pair, out.id, id, out.cts, h.primes(), h.Ciphertexts, h.Limbs)
}

// check refuses inputs that are not those of the half.
func (in *Inputs) check(h *half, pair [32]byte, id wire.KeyID) error {
	if in == nil {
		return errPair
	}
	return check(in.pair, pair, in.id, id, in.cts, h.primes(), len(h.views), len(h.Q))
}

// check refuses ciphertexts that are not n of so many limbs for each plaintext prime.
func check(pair, wantPair [32]byte, id, wantID wire.KeyID, cts [][]engine.Ciphertext, primes, n, limbs int) error {
	if pair != wantPair || len(cts) != primes {
		return errPair
	}
	if id != wantID {
		return fmt.Errorf("packed: the ciphertexts belong to another secret key")
	}
	for _, list := range cts {
		if len(list) != n {
			return fmt.Errorf("packed: %d ciphertexts, the plan has %d", len(list), n)
		}
		for i, ct := range list {
			if len(ct) != 2 || ct.Limbs() != limbs || len(ct[1]) != limbs {
				return fmt.Errorf("packed: ciphertext %d has degree %d and %d limbs, the plan has 1 and %d", i, len(ct)-1, ct.Limbs(), limbs)
			}
		}
	}
	return nil
}
