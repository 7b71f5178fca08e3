package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"runtime/debug"
	"time"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/choose"
	"qtool/he/lstm"
	"qtool/he/roles"
	"qtool/he/tfhe"
	"qtool/he/wire"
)

// exchange is one encrypted input and its answer.
type exchange struct {
	// Logits are reals in the units of the program's integers; exact ones are those
	// integers. Bound is the stated error of the others.
	logits, bound []float64
	answers       he.Answers
	server        ServerView
	seconds       AskSeconds
}

// ServerView is all that a server saw: nothing of it says what was asked.
type ServerView struct {
	Backend      string   `json:"backend"`
	InputBytes   int64    `json:"input_bytes"`
	InputSHA256  string   `json:"input_sha256"`
	KeyBytes     int64    `json:"evaluation_key_bytes"`
	AnswerBytes  int64    `json:"answer_bytes"`
	AnswerSHA256 string   `json:"answer_sha256"`
	SecurityBits int      `json:"security_bits"`
	Why          []string `json:"why"`
}

// AskSeconds is what the steps of an exchange took.
type AskSeconds struct {
	Keygen   float64 `json:"keygen"`
	Encrypt  float64 `json:"encrypt"`
	Evaluate float64 `json:"evaluate"`
	Decrypt  float64 `json:"decrypt"`
}

// lap adds the time since the last lap.
type laps struct{ last time.Time }

func (l *laps) lap(to *float64) {
	now := time.Now()
	*to += now.Sub(l.last).Seconds()
	l.last = now
}

// ask makes keys, encrypts one input, has a server evaluate it, and decrypts. The
// client and the server are separate: what passes between them is ciphertexts and
// evaluation keys.
func ask(ctx context.Context, f *bundle.File, p *choose.Plan, input bundle.Sample, step func(he.Step)) (*exchange, error) {
	switch plan := p.Backend.(type) {
	case *lstm.Plan:
		defer debug.SetGCPercent(debug.SetGCPercent(garbage(p)))
		return askRoles(ctx, f, plan, input, step)
	case *tfhe.Plan:
		return askRoles(ctx, f, plan, input, step)
	}
	return nil, fmt.Errorf("backend %q takes no single sentences: want pbs or, of recurrent networks with polynomials, packed-ckks", p.Describe(0).Backend)
}

// askRoles asks through bytes alone.
func askRoles(ctx context.Context, f *bundle.File, p he.Halves, input bundle.Sample, step func(he.Step)) (*exchange, error) {
	d := p.Describe(1)
	x := &exchange{server: ServerView{Backend: d.Backend, SecurityBits: d.SecurityBits, Why: d.Why}}
	spec, half, err := roles.Split(f, p)
	if err != nil {
		return nil, err
	}
	clock := laps{time.Now()}
	client, err := roles.NewClient(spec)
	if err != nil {
		return nil, err
	}
	server, err := half.NewServer(ctx)
	if err != nil {
		return nil, err
	}
	var sent, in, out bytes.Buffer
	if err := client.WriteEvaluationKeys(ctx, &sent, step); err != nil {
		return nil, err
	}
	x.server.KeyBytes = int64(sent.Len())
	keys, err := server.ReadKeys(ctx, &sent)
	if err != nil {
		return nil, err
	}
	clock.lap(&x.seconds.Keygen)
	if err := client.Encrypt(ctx, []bundle.Sample{input}, wire.Message{Stream: wire.NewStreamID(), Samples: 1, Last: true}, &in, step); err != nil {
		return nil, err
	}
	x.server.InputBytes, x.server.InputSHA256 = seen(&in)
	clock.lap(&x.seconds.Encrypt)
	message, err := wire.Open(&in)
	if err != nil {
		return nil, err
	}
	if err := server.Evaluate(ctx, keys, message, &out, step); err != nil {
		return nil, err
	}
	x.server.AnswerBytes, x.server.AnswerSHA256 = seen(&out)
	clock.lap(&x.seconds.Evaluate)
	if message, err = wire.Open(&out); err != nil {
		return nil, err
	}
	answer, err := client.Decrypt(ctx, message, step)
	if err != nil {
		return nil, err
	}
	x.read(answer.Answers)
	clock.lap(&x.seconds.Decrypt)
	return x, nil
}

// read takes the one answer.
func (x *exchange) read(answers he.Answers) {
	x.answers = answers
	switch a := answers.(type) {
	case he.Exact:
		for i := range a[0].Len() {
			x.logits = append(x.logits, a[0].Float(i))
		}
	case he.Approximate:
		x.logits, x.bound = a.Reals[0], a.Bound
	}
}

// seen is what a server tells of an object: its size and hash.
func seen(b *bytes.Buffer) (size int64, sum string) {
	hash := sha256.Sum256(b.Bytes())
	return int64(b.Len()), hex.EncodeToString(hash[:])
}

// answer is the label of the largest real logit; the lowest index wins a tie.
func (x *exchange) answer(n *bundle.Node) (label int, reals []float64) {
	reals = make([]float64, len(x.logits))
	for i, v := range x.logits {
		reals[i] = n.Scale[i*len(n.Scale)/len(x.logits)] * v
	}
	return x.answers.Label(n, 0), reals
}

// agrees reports whether the logits are the reference's: equal or, where they are
// approximate, within the bound, which counts their rounding in.
func (x *exchange) agrees(want bundle.Vec) bool {
	for i, v := range x.logits {
		limit := 0.0
		if x.bound != nil {
			limit = x.bound[i]
		}
		if !(math.Abs(v-want.Float(i)) <= limit) {
			return false
		}
	}
	return true
}
