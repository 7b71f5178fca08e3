package lstm

import (
	"fmt"
	"io"
	"slices"

	"qtool/he/internal/secret"
	"qtool/he/packed/engine"
	"qtool/he/packed/keyset"
	"qtool/he/wire"
)

// format is the framing of keys and ciphertexts on the wire, all of a plan; see package
// wire.
var format = wire.Format{
	Package: "lstm", Magic: "qtoollst", Version: 1,
	Kinds: []string{"secret key", "evaluation key", "input", "output"},
}

// The kinds of objects.
const (
	kindSecretKey uint8 = iota + 1
	kindEvaluationKeys
	kindInputs
	kindOutputs
)

// reader reads a header and checks it against the plan.
func (p *Plan) reader(r io.Reader, kind uint8) (*wire.Reader, wire.KeyID, error) {
	return format.NewReader(r, &wire.Header{Kind: kind, Plan: p.hash}, nil)
}

// WriteEvaluationKeys writes evaluation keys of the plan.
func (p *Plan) WriteEvaluationKeys(w io.Writer, k *EvaluationKeys) (int64, error) {
	if err := k.check(p); err != nil {
		return 0, err
	}
	out := format.NewWriter(w, &wire.Header{Kind: kindEvaluationKeys, Plan: p.hash, Key: k.id})
	k.Write(out, p.params.Parameters, p.needs())
	return out.End()
}

// ReadEvaluationKeys reads what WriteEvaluationKeys wrote under the same plan: no more than its keys
// take. It returns an error for keys of another plan and for a truncated or altered
// stream; wire.ErrVersion is wrapped for an unknown version.
func (p *Plan) ReadEvaluationKeys(r io.Reader) (*EvaluationKeys, error) {
	in, id, err := p.reader(r, kindEvaluationKeys)
	if err != nil {
		return nil, err
	}
	k := &EvaluationKeys{p.hash, id, keyset.Read(in, p.params.Parameters, p.needs())}
	if err := in.End(); err != nil {
		return nil, err
	}
	return k, nil
}

// WriteSecretKey writes the client's secret key itself, unprotected.
func (c *Client) WriteSecretKey(w io.Writer) (int64, error) {
	out := format.NewWriter(w, &wire.Header{Kind: kindSecretKey, Plan: c.plan.hash, Key: c.id})
	out.Bytes(secret.Coefficients(c.plan.params.Parameters, c.secret))
	return out.End()
}

// ReadClient makes a client with the secret key that Client.WriteSecretKey wrote under the
// same plan; it returns the same kinds of errors as ReadEvaluationKeys.
func (p *Plan) ReadClient(r io.Reader) (*Client, error) {
	in, id, err := p.reader(r, kindSecretKey)
	if err != nil {
		return nil, err
	}
	b := slices.Clone(in.Bytes(p.params.N()))
	defer clear(b)
	if err := in.End(); err != nil {
		return nil, err
	}
	key, err := secret.Key(p.params.Parameters, b)
	if err != nil {
		return nil, fmt.Errorf("lstm: %w", err)
	}
	return &Client{plan: p, id: id, hidden: &hidden{key}}, nil
}

// WriteTo writes the ciphertexts; it implements io.WriterTo.
func (in *Inputs) WriteTo(w io.Writer) (int64, error) {
	out := format.NewWriter(w, &wire.Header{Kind: kindInputs, Plan: in.plan, Key: in.id})
	for _, cts := range in.steps {
		for _, ct := range cts {
			ct.Write(out)
		}
	}
	return out.End()
}

// ReadInputs reads the ciphertexts of a batch for this plan; it returns the same kinds
// of errors as ReadEvaluationKeys.
func (p *Plan) ReadInputs(r io.Reader) (*Inputs, error) {
	from, id, err := p.reader(r, kindInputs)
	if err != nil {
		return nil, err
	}
	in := &Inputs{plan: p.hash, id: id}
	for t := range p.cell.steps {
		in.steps = append(in.steps, engine.ReadCiphertexts(from, p.chunks(), p.logN, p.params.Q()[:p.cell.limbs(t)]))
	}
	if err := from.End(); err != nil {
		return nil, err
	}
	return in, nil
}

// WriteTo writes the ciphertext; it implements io.WriterTo.
func (out *Outputs) WriteTo(w io.Writer) (int64, error) {
	to := format.NewWriter(w, &wire.Header{Kind: kindOutputs, Plan: out.plan, Key: out.id})
	out.logits.Write(to)
	return to.End()
}

// ReadOutputs reads a batch's encrypted logits of this plan; it returns the same kinds
// of errors as ReadEvaluationKeys.
func (p *Plan) ReadOutputs(r io.Reader) (*Outputs, error) {
	in, id, err := p.reader(r, kindOutputs)
	if err != nil {
		return nil, err
	}
	all := engine.ReadCiphertexts(in, 1, p.logN, p.params.Q()[:1])
	if err := in.End(); err != nil {
		return nil, err
	}
	return &Outputs{p.hash, id, all[0]}, nil
}
