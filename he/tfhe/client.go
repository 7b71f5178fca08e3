package tfhe

import (
	"context"
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/he/internal/guard"
	"qtool/he/internal/sample"
	"qtool/internal/elementary"
)

// Client owns the secret key: it encrypts samples and decrypts logits. It is not
// safe for concurrent use.
type Client struct {
	guard.Secret[Client]
	plan    *Plan
	secret  *SecretKey
	sampler *sampler
}

// NewClient makes a client with a new secret key.
func NewClient(p *Plan) *Client { return newClient(p, NewSecretKey(p.params)) }

func newClient(p *Plan, k *SecretKey) *Client {
	return &Client{plan: p, secret: k, sampler: p.params.newSampler(sample.NewSeed())}
}

// NewClientWithKey makes a client with a key it had before. It returns a
// *KeyError if the key has other parameters than the plan.
func NewClientWithKey(p *Plan, k *SecretKey) (*Client, error) {
	if k.params.ParametersLiteral != p.params.ParametersLiteral {
		return nil, &KeyError{What: "secret key", Got: k.params.ParametersLiteral, Want: p.params.ParametersLiteral}
	}
	return newClient(p, k), nil
}

// EvaluationKeys makes the server's keys; see SecretKey.EvaluationKeys.
func (c *Client) EvaluationKeys(ctx context.Context, progress func(done, total int)) (*EvaluationKeys, error) {
	return c.secret.EvaluationKeys(ctx, c.plan.workers, progress)
}

// KeyError says that a key or ciphertext belongs to other parameters or, if those
// agree, to another secret key.
type KeyError struct {
	What      string
	Got, Want ParametersLiteral
}

// Error names what does not fit.
func (e *KeyError) Error() string {
	if e.Got == e.Want {
		return fmt.Sprintf("tfhe: %s belongs to another secret key", e.What)
	}
	return fmt.Sprintf("tfhe: %s has other parameters: %v, want %v", e.What, &e.Got, &e.Want)
}

// Input is one encrypted sample: its values in the coefficients of ring
// ciphertexts, N each. Public.
type Input struct {
	params ParametersLiteral
	plan   [32]byte // its digest
	id     KeyID
	// parts are (c0, c1) in the coefficient domain.
	parts [][2][]uint64
}

// Output is one sample's encrypted logits. Public.
type Output struct {
	params ParametersLiteral
	plan   [32]byte
	id     KeyID
	logits []bigKey
	exact  []exact // in place of logits, of a precise plan
}

// Encrypt encrypts a sample: code q of element i has the phase q / 2H in coefficient
// i, with the half message space H of its encoding.
//
// It returns an error if the sample is none of the program's.
func (c *Client) Encrypt(s bundle.Sample) (*Input, error) {
	p := c.plan
	if err := p.program.Input.CheckSamples([]bundle.Sample{s}); err != nil {
		return nil, fmt.Errorf("tfhe: %w", err)
	}
	in := &Input{params: p.params.ParametersLiteral, plan: p.hash, id: c.secret.id}
	n := p.params.N()
	for from := 0; from < len(s); from += n {
		part := s[from:min(from+n, len(s))]
		c0, c1 := make([]uint64, n), make([]uint64, n)
		c.sampler.zero(c.secret, c0, c1)
		p.params.inverse(c0)
		p.params.inverse(c1)
		for i, q := range part {
			c0[i] = (c0[i] + p.params.encode(int64(q), 2*int64(p.encodings[from+i].half))) % p.params.q
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

// Decrypt returns the logits, and how many bits the worst measured noise of a
// logit stays below the limit: log2(1/4H / |noise|). A look-up that failed on the
// way cannot be told from the logits alone, unless they leave their proved range:
// that is a *NoiseError.
func (c *Client) Decrypt(out *Output) (bundle.Vec, float64, error) {
	p := c.plan
	if err := p.belongs("output", out.plan, out.id, c.secret.id); err != nil {
		return bundle.Vec{}, 0, err
	}
	l := p.last()
	unit := elementary.Exp2(-32)
	count := len(out.logits)
	if l.precise {
		unit, count = 1/float64(p.params.q), len(out.exact)
	}
	if count != l.n {
		return bundle.Vec{}, 0, fmt.Errorf("tfhe: %d encrypted logits, the program has %d", count, l.n)
	}
	logits, worst := make([]int64, l.n), 0.0
	for o := range logits {
		message, noise := l.logit(c.secret, out, o)
		worst = max(worst, math.Abs(noise))
		if logits[o] = l.lo[o] + int64(message); logits[o] > l.hi[o] {
			return bundle.Vec{}, 0, &NoiseError{o, logits[o], l.lo[o], l.hi[o]}
		}
	}
	return bundle.Vec{Small: logits}, elementary.Log2(p.params.bound(l) / max(worst, unit/2)), nil
}

// belongs checks that a ciphertext was made for this plan and key.
func (p *Plan) belongs(what string, hash [32]byte, got, want KeyID) error {
	if hash != p.hash {
		return fmt.Errorf("tfhe: %s was made for another program or other parameters", what)
	}
	if got != want {
		return &KeyError{What: what, Got: p.params.ParametersLiteral, Want: p.params.ParametersLiteral}
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

// message is the message of an accumulator's phase x 2^-32, and the phase's distance
// from the message's middle.
func (l *layer) message(x uint32) (j int, noise float64) {
	space := 2 * float64(l.half)
	at := float64(float64(x) * elementary.Exp2(-32) * space)
	j = int(at)
	return j, (at - float64(j) - 0.5) / space
}
