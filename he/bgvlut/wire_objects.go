package bgvlut

import (
	"fmt"
	"io"
	"slices"

	"qtool/he/internal/rns"
	"qtool/he/internal/secret"
	"qtool/he/wire"
)

// EvaluationKeys are what the server needs: one relinearisation key, public, made by
// the client.
type EvaluationKeys struct {
	params parameters
	id     wire.KeyID
	key    *rns.RelinearizationKey
}

// Bytes is the size of the key on the wire.
func (k *EvaluationKeys) Bytes() int64 { return format.Bytes(k.key.Bytes()) }

// WriteTo writes the key; it implements io.WriterTo.
func (k *EvaluationKeys) WriteTo(w io.Writer) (int64, error) {
	out := format.NewWriter(w, &wire.Header{Kind: kindEvaluationKeys, Parameters: k.params.bytes(), Key: k.id})
	for limb := range k.key.Limbs() {
		out.Words64(limb)
	}
	return out.End()
}

// ReadEvaluationKeys reads a key for this plan's parameters: no more than it
// takes. It returns a *KeyError for a key of other parameters, and an error for a
// truncated or altered stream; wire.ErrVersion is wrapped for an unknown version.
func (p *Plan) ReadEvaluationKeys(r io.Reader) (*EvaluationKeys, error) {
	in, id, err := p.reader(r, kindEvaluationKeys)
	if err != nil {
		return nil, err
	}
	k := &EvaluationKeys{params: p.parameters(), id: id, key: p.ring.NewKey(p.digits, in.NewWords64)}
	if err := in.End(); err != nil {
		return nil, err
	}
	return k, nil
}

// WriteSecretKey writes the client's secret key itself, unprotected.
func (c *Client) WriteSecretKey(w io.Writer) (int64, error) {
	out := format.NewWriter(w, &wire.Header{Kind: kindSecretKey, Parameters: c.secret.params.bytes(), Key: c.secret.id})
	out.Bytes(secret.Coefficients(c.plan.ring.Parameters(), c.secret.key))
	return out.End()
}

// ReadSecretKey reads a secret key of this plan's parameters; it returns the same kinds
// of errors as ReadEvaluationKeys.
func (p *Plan) ReadSecretKey(r io.Reader) (*SecretKey, error) {
	in, id, err := p.reader(r, kindSecretKey)
	if err != nil {
		return nil, err
	}
	b := slices.Clone(in.Bytes(p.Slots()))
	defer clear(b)
	if err := in.End(); err != nil {
		return nil, err
	}
	key, err := secret.Key(p.ring.Parameters(), b)
	if err != nil {
		return nil, fmt.Errorf("bgvlut: %w", err)
	}
	return &SecretKey{params: p.parameters(), id: id, hidden: &hidden{key}}, nil
}

// WriteTo writes the ciphertexts; it implements io.WriterTo.
func (in *Inputs) WriteTo(w io.Writer) (int64, error) {
	return in.write(w, kindInputs, in.all)
}

// ReadInputs reads a batch's encrypted samples for this plan; it returns the same kinds
// of errors as ReadEvaluationKeys.
func (p *Plan) ReadInputs(r io.Reader) (*Inputs, error) {
	o, all, err := p.readCiphertexts(r, kindInputs, p.inputs(), p.ring.Levels())
	if err != nil {
		return nil, err
	}
	return &Inputs{o, all}, nil
}

// WriteTo writes the ciphertexts; it implements io.WriterTo.
func (out *Outputs) WriteTo(w io.Writer) (int64, error) {
	return out.write(w, kindOutputs, out.all)
}

// ReadOutputs reads a batch's encrypted logits of this plan; it returns the same kinds
// of errors as ReadEvaluationKeys.
func (p *Plan) ReadOutputs(r io.Reader) (*Outputs, error) {
	o, all, err := p.readCiphertexts(r, kindOutputs, p.outputs(), p.layout.last())
	if err != nil {
		return nil, err
	}
	return &Outputs{o, all}, nil
}

func (o *origin) write(w io.Writer, kind uint8, all []ciphertext) (int64, error) {
	out := format.NewWriter(w, &wire.Header{Kind: kind, Parameters: o.params.bytes(), Plan: o.plan, Key: o.id})
	for _, c := range all {
		for _, poly := range c {
			for _, limb := range poly {
				out.Words64(limb)
			}
		}
	}
	return out.End()
}

func (p *Plan) readCiphertexts(r io.Reader, kind uint8, n, limbs int) (origin, []ciphertext, error) {
	in, id, err := p.reader(r, kind)
	if err != nil {
		return origin{}, nil, err
	}
	var all []ciphertext
	for len(all) < n && in.Err() == nil {
		c := ciphertext{make(rns.Poly, limbs), make(rns.Poly, limbs)}
		for _, poly := range c {
			for i := range poly {
				poly[i] = in.NewWords64(p.Slots(), p.layout.q[i])
			}
		}
		all = append(all, c)
	}
	if err := in.End(); err != nil {
		return origin{}, nil, err
	}
	return p.origin(id), all, nil
}

// InputBytes is the size on the wire of the ciphertexts of a batch's inputs.
func (p *Plan) InputBytes() int64 { return p.ciphertextBytes(p.inputs(), p.ring.Levels()) }

// OutputBytes is the size on the wire of the ciphertexts of a batch's logits.
func (p *Plan) OutputBytes() int64 { return p.ciphertextBytes(p.outputs(), p.layout.last()) }

func (p *Plan) ciphertextBytes(n, limbs int) int64 {
	return format.Bytes(2 * 8 * int64(p.Slots()) * int64(n) * int64(limbs))
}
