package tfhe

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/guard"
	"qtool/he/internal/sample"
	"qtool/he/wire"
	"qtool/internal/elementary"
)

// Client owns the secret key: it encrypts samples and decrypts logits. It is safe for
// concurrent use, and implements he.Client.
type Client struct {
	guard.Secret[Client]
	*client
}

// client is what a Client holds.
type client struct {
	spec   *he.ClientSpec // nil in an executor
	pair   [32]byte       // the hash that everything it writes carries
	input  bundle.Input
	half   *half
	secret *SecretKey
}

var _ he.Client = (*Client)(nil)

// NewClient makes a client of a client half, with a new secret key.
func NewClient(s *he.ClientSpec) (he.Client, error) {
	return clientOf(s, func(h *half, _ [32]byte) (*SecretKey, error) { return NewSecretKey(h.params), nil })
}

// clientOf is the client of a half that anybody may have made, with the key that is given.
func clientOf(s *he.ClientSpec, key func(*half, [32]byte) (*SecretKey, error)) (he.Client, error) {
	pair, err := s.Hash()
	if err != nil {
		return nil, err
	}
	h, err := readHalf(s)
	if err != nil {
		return nil, fmt.Errorf("tfhe: client half: %w", err)
	}
	k, err := key(h, pair)
	if err != nil {
		return nil, err
	}
	return &Client{client: &client{s, pair, s.Input, h, k}}, nil
}

// newClient makes a client with a new secret key in the process of the server, which
// needs no client half.
func (p *Plan) newClient() *Client {
	return &Client{client: &client{input: p.program.Input, half: p.half, secret: NewSecretKey(p.params)}}
}

// Spec implements he.Client.
func (c *Client) Spec() *he.ClientSpec { return c.spec }

// KeyID implements he.Client.
func (c *Client) KeyID() wire.KeyID { return c.secret.id }

// evaluationKeys makes the server's keys; see SecretKey.evaluationKeys.
func (c *Client) evaluationKeys(ctx context.Context, workers int) (*EvaluationKeys, error) {
	return c.secret.evaluationKeys(ctx, c.pair, workers)
}

// workers is how many goroutines a client's work is spread over.
func workers() int { return runtime.GOMAXPROCS(0) }

// Input is one encrypted sample: its values in the coefficients of ring
// ciphertexts, N each. Public.
type Input struct {
	pair [32]byte
	id   wire.KeyID
	seed [sample.SeedSize]byte // of the masks c1
	// parts are (c0, c1) in the coefficient domain.
	parts [][2][]uint64
}

// Output is one sample's encrypted logits. Public.
type Output struct {
	pair   [32]byte
	id     wire.KeyID
	logits []bigKey
	exact  []exact // in place of logits, of a precise plan
}

// mask fills c1 with the mask of part k of an input: uniform residues in the coefficient
// domain, from the public seed's stream.
func (p *Parameters) mask(c1 []uint64, seed [sample.SeedSize]byte, k int) {
	sample.NewStream(sample.Derived(seed, "tfhe input", uint64(k))).Uniform(c1, p.q)
}

// encrypt encrypts a sample: code q of element i has the phase q / 2H in coefficient
// i, with the half message space H of its encoding.
//
// It returns an error if the sample is none of the program's.
func (c *Client) encrypt(s bundle.Sample) (*Input, error) {
	return c.encryptWith(s, sample.NewSeed(), sample.NewSeed())
}

// encryptWith is encrypt with the seeds of masks and of errors.
func (c *Client) encryptWith(s bundle.Sample, masks, errors sample.Seed) (*Input, error) {
	if err := c.input.CheckSamples([]bundle.Sample{s}); err != nil {
		return nil, fmt.Errorf("tfhe: %w", err)
	}
	h, p := c.half, c.half.params
	in := &Input{pair: c.pair, id: c.secret.id, seed: masks}
	drawn := p.newSampler(errors)
	defer drawn.stream.Close()
	n := p.N()
	for k := range h.parts() {
		c0, c1 := make([]uint64, n), make([]uint64, n)
		p.mask(c1, in.seed, k)
		drawn.body(c.secret, c0, c1)
		for i, q := range s[k*n : min((k+1)*n, len(s))] {
			c0[i] = (c0[i] + p.encode(int64(q), 2*int64(h.inputs[k*n+i]))) % p.q
		}
		in.parts = append(in.parts, [2][]uint64{c0, c1})
	}
	return in, nil
}

// NoiseError says that a logit's noise left the range it may have, or its value
// the range that was proved: the sample's result is wrong, and not given.
type NoiseError struct {
	Logit int
	// Value is what was decrypted, Lo and Hi what was proved.
	Value, Lo, Hi int64
}

// Error names the logit.
func (e *NoiseError) Error() string {
	return fmt.Sprintf("tfhe: logit %d decrypts to %d, outside its proved range [%d, %d]: a look-up failed", e.Logit, e.Value, e.Lo, e.Hi)
}

// decrypt returns the logits, and how many bits the worst measured noise of a
// logit stays below the limit: log2(1/4H / |noise|). A look-up that failed on the
// way cannot be told from the logits alone, unless they leave their proved range:
// that is a *NoiseError.
func (c *Client) decrypt(out *Output) (bundle.Vec, float64, error) {
	h := c.half
	if err := belongs("output", out.pair, c.pair, out.id, c.secret.id); err != nil {
		return bundle.Vec{}, 0, err
	}
	unit := elementary.Exp2(-32)
	count := len(out.logits)
	if h.Precise {
		unit, count = 1/float64(h.params.q), len(out.exact)
	}
	if count != len(h.Outputs) {
		return bundle.Vec{}, 0, fmt.Errorf("tfhe: %d encrypted logits, the program has %d", count, len(h.Outputs))
	}
	logits, worst := make([]int64, count), 0.0
	for o := range logits {
		message, noise := h.logit(c.secret, out, o)
		worst = max(worst, math.Abs(noise))
		lo, hi := h.Outputs[o][0], h.Outputs[o][1]
		if logits[o] = lo + int64(message); logits[o] > hi {
			return bundle.Vec{}, 0, &NoiseError{o, logits[o], lo, hi}
		}
	}
	return bundle.Vec{Small: logits}, elementary.Log2(1 / (4 * float64(h.Half)) / max(worst, unit/2)), nil
}

// belongs checks that a ciphertext or key is of a pair of halves, and of a secret key.
func belongs(what string, pair, wantPair [32]byte, id, wantID wire.KeyID) error {
	if pair != wantPair {
		return fmt.Errorf("tfhe: %s: %w", what, wire.ErrSpec)
	}
	if id != wantID {
		return fmt.Errorf("tfhe: %s: %w", what, wire.ErrKey)
	}
	return nil
}

// phase is a big-key ciphertext's, as a multiple of 2^-32.
func (k *SecretKey) phase(c bigKey) uint32 {
	sum := *c.body()
	for i, s := range k.bigKey {
		sum += c[i] * uint32(int32(s))
	}
	return sum
}

// message32 is the message of an accumulator's phase x 2^-32 in a message space of 2 half,
// and the phase's distance from the message's middle.
func message32(x uint32, half int) (j int, noise float64) {
	space := 2 * float64(half)
	at := float64(float64(x) * elementary.Exp2(-32) * space)
	j = int(at)
	return j, (at - float64(j) - 0.5) / space
}
