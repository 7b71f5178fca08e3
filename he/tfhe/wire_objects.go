package tfhe

import (
	"fmt"
	"io"
	"math"
	"slices"

	"qtool/he/wire"
)

// WriteTo writes the keys; it implements io.WriterTo.
func (e *EvaluationKeys) WriteTo(w io.Writer) (int64, error) {
	out := format.NewWriter(w, &wire.Header{Kind: kindEvaluationKeys, Parameters: e.params.bytes(), Key: e.id})
	out.Words64(e.rotation)
	out.Words32(e.switching)
	return out.End()
}

// ReadEvaluationKeys reads keys for this plan's parameters: no more than they
// take. It returns a *KeyError for keys of other parameters, and an error for a
// truncated or altered stream; ErrVersion is wrapped for an unknown version.
func (p *Plan) ReadEvaluationKeys(r io.Reader) (*EvaluationKeys, error) {
	in, id, err := p.reader(r, kindEvaluationKeys)
	if err != nil {
		return nil, err
	}
	e := &EvaluationKeys{
		params: p.params, id: id,
		rotation:  in.NewWords64(int(p.params.RotationBytes()/8), p.params.q),
		switching: in.NewWords32(int(p.params.SwitchingBytes()/4), 1<<p.params.LogSmallQ-1),
	}
	if err := in.End(); err != nil {
		return nil, err
	}
	return e, nil
}

// WriteTo writes the secret key itself, unprotected; it implements io.WriterTo.
func (k *SecretKey) WriteTo(w io.Writer) (int64, error) {
	out := format.NewWriter(w, &wire.Header{Kind: kindSecretKey, Parameters: k.params.bytes(), Key: k.id})
	b := make([]byte, 0, len(k.bigKey)+len(k.smallKey))
	for _, x := range k.bigKey {
		b = append(b, uint8(x+1))
	}
	b = append(b, k.smallKey...)
	defer clear(b)
	out.Bytes(b)
	return out.End()
}

// ReadSecretKey reads a secret key of this plan's parameters; errors are those of
// ReadEvaluationKeys.
func (p *Plan) ReadSecretKey(r io.Reader) (*SecretKey, error) {
	in, id, err := p.reader(r, kindSecretKey)
	if err != nil {
		return nil, err
	}
	n, dimension := p.params.N(), p.params.Dimension
	k := newSecretKey(p.params, id)
	b := slices.Clone(in.Bytes(n + dimension))
	defer clear(b)
	if err := in.End(); err != nil {
		return nil, err
	}
	for i, x := range b {
		switch {
		case i < n && x <= 2:
			k.bigKey[i] = int8(x) - 1
		case i >= n && x <= 1:
			k.smallKey[i-n] = x
		default:
			return nil, fmt.Errorf("tfhe: secret key is damaged at coefficient %d", i)
		}
	}
	k.prepare()
	return k, nil
}

// WriteTo writes the ciphertexts; it implements io.WriterTo.
func (in *Input) WriteTo(w io.Writer) (int64, error) {
	out := format.NewWriter(w, &wire.Header{Kind: kindInput, Parameters: in.params.bytes(), Plan: in.plan, Key: in.id})
	for _, part := range in.parts {
		out.Words64(part[0])
		out.Words64(part[1])
	}
	return out.End()
}

// ReadInput reads an encrypted sample for this plan; errors are those of
// ReadEvaluationKeys.
func (p *Plan) ReadInput(r io.Reader) (*Input, error) {
	src, id, err := p.reader(r, kindInput)
	if err != nil {
		return nil, err
	}
	n := p.params.N()
	in := &Input{params: p.params.ParametersLiteral, plan: p.hash, id: id}
	for i := 0; i < p.inputs() && src.Err() == nil; i += n {
		in.parts = append(in.parts, [2][]uint64{src.NewWords64(n, p.params.q), src.NewWords64(n, p.params.q)})
	}
	if err := src.End(); err != nil {
		return nil, err
	}
	return in, nil
}

// WriteTo writes the ciphertexts, of a precise plan as residues modulo Q of 64 bits, of
// others as words of 32; it implements io.WriterTo.
func (out *Output) WriteTo(w io.Writer) (int64, error) {
	dst := format.NewWriter(w, &wire.Header{Kind: kindOutput, Parameters: out.params.bytes(), Plan: out.plan, Key: out.id})
	for _, c := range out.logits {
		dst.Words32(c)
	}
	for _, c := range out.exact {
		dst.Words64(c)
	}
	return dst.End()
}

// ReadOutput reads encrypted logits of this plan; errors are those of
// ReadEvaluationKeys.
func (p *Plan) ReadOutput(r io.Reader) (*Output, error) {
	in, id, err := p.reader(r, kindOutput)
	if err != nil {
		return nil, err
	}
	out := &Output{params: p.params.ParametersLiteral, plan: p.hash, id: id}
	for range p.last().n {
		if in.Err() != nil {
			break
		}
		if p.precise() {
			out.exact = append(out.exact, in.NewWords64(p.params.N()+1, p.params.q))
		} else {
			out.logits = append(out.logits, in.NewWords32(p.params.N()+1, math.MaxUint32))
		}
	}
	if err := in.End(); err != nil {
		return nil, err
	}
	return out, nil
}

// InputBytes is the size on the wire of the ciphertexts of a sample's inputs.
func (p *Plan) InputBytes() int64 {
	n := int64(p.params.N())
	return format.Bytes((int64(p.inputs()) + n - 1) / n * 16 * n)
}

// OutputBytes is the size on the wire of the ciphertexts of a sample's logits.
func (p *Plan) OutputBytes() int64 {
	word := int64(4)
	if p.precise() {
		word = 8
	}
	return format.Bytes(int64(p.last().n) * word * int64(p.params.N()+1))
}
