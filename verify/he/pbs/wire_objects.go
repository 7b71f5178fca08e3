package pbs

import (
	"fmt"
	"io"
	"math"
)

// WriteTo writes the keys; it implements io.WriterTo.
func (e *EvaluationKeys) WriteTo(w io.Writer) (int64, error) {
	out := newWriter(w, &header{kind: kindEvaluationKeys, params: e.params.ParametersLiteral, id: e.id})
	out.words64(e.rotation)
	out.words32(e.switching)
	return out.end()
}

// ReadEvaluationKeys reads keys for this plan's parameters: no more than they
// take. It returns a *KeyError for keys of other parameters, and an error for a
// truncated or altered stream; ErrVersion is wrapped for an unknown version.
func (p *Plan) ReadEvaluationKeys(r io.Reader) (*EvaluationKeys, error) {
	in, id, err := newReader(r, p, kindEvaluationKeys)
	if err != nil {
		return nil, err
	}
	e := &EvaluationKeys{
		params: p.params, id: id,
		rotation:  make([]uint64, p.params.RotationBytes()/8),
		switching: make([]uint32, p.params.SwitchingBytes()/4),
	}
	in.words64(e.rotation, p.params.q)
	in.words32(e.switching, 1<<p.params.LogSmallQ-1)
	if err := in.end(); err != nil {
		return nil, err
	}
	return e, nil
}

// WriteTo writes the secret key itself, unprotected; it implements io.WriterTo.
func (k *SecretKey) WriteTo(w io.Writer) (int64, error) {
	out := newWriter(w, &header{kind: kindSecretKey, params: k.params.ParametersLiteral, id: k.id})
	b := make([]byte, 0, len(k.wide)+len(k.narrow))
	for _, x := range k.wide {
		b = append(b, uint8(x+1))
	}
	out.write(append(b, k.narrow...))
	return out.end()
}

// ReadSecretKey reads a secret key of this plan's parameters; errors are those of
// ReadEvaluationKeys.
func (p *Plan) ReadSecretKey(r io.Reader) (*SecretKey, error) {
	in, id, err := newReader(r, p, kindSecretKey)
	if err != nil {
		return nil, err
	}
	n, dimension := p.params.N(), p.params.Dimension
	k := &SecretKey{params: p.params, id: id, wide: make([]int8, n), narrow: make([]uint8, dimension)}
	for i, x := range in.bytes(n + dimension) {
		switch {
		case i < n && x <= 2:
			k.wide[i] = int8(x) - 1
		case i >= n && x <= 1:
			k.narrow[i-n] = x
		default:
			return nil, fmt.Errorf("pbs: secret key is damaged at coefficient %d", i)
		}
	}
	if err := in.end(); err != nil {
		return nil, err
	}
	k.prepare()
	return k, nil
}

// WriteTo writes the ciphertexts; it implements io.WriterTo.
func (in *Input) WriteTo(w io.Writer) (int64, error) {
	out := newWriter(w, &header{kind: kindInput, params: in.params, plan: in.plan, id: in.id})
	for _, part := range in.parts {
		out.words64(part[0])
		out.words64(part[1])
	}
	return out.end()
}

// ReadInput reads an encrypted image for this plan; errors are those of
// ReadEvaluationKeys.
func (p *Plan) ReadInput(r io.Reader) (*Input, error) {
	src, id, err := newReader(r, p, kindInput)
	if err != nil {
		return nil, err
	}
	n := p.params.N()
	in := &Input{params: p.params.ParametersLiteral, plan: p.hash, id: id}
	for range (p.inputs() + n - 1) / n {
		part := [2][]uint64{make([]uint64, n), make([]uint64, n)}
		src.words64(part[0], p.params.q)
		src.words64(part[1], p.params.q)
		in.parts = append(in.parts, part)
	}
	if err := src.end(); err != nil {
		return nil, err
	}
	return in, nil
}

// WriteTo writes the ciphertexts; it implements io.WriterTo.
func (out *Output) WriteTo(w io.Writer) (int64, error) {
	dst := newWriter(w, &header{kind: kindOutput, params: out.params, plan: out.plan, id: out.id})
	for _, c := range out.logits {
		dst.words32(c)
	}
	return dst.end()
}

// ReadOutput reads encrypted logits of this plan; errors are those of
// ReadEvaluationKeys.
func (p *Plan) ReadOutput(r io.Reader) (*Output, error) {
	in, id, err := newReader(r, p, kindOutput)
	if err != nil {
		return nil, err
	}
	out := &Output{params: p.params.ParametersLiteral, plan: p.hash, id: id, logits: p.params.newWides(p.last().n)}
	for _, c := range out.logits {
		in.words32(c, math.MaxUint32)
	}
	if err := in.end(); err != nil {
		return nil, err
	}
	return out, nil
}

// InputBytes and OutputBytes are the sizes of an image's ciphertexts on the wire.
func (p *Plan) InputBytes() int64 {
	n := int64(p.params.N())
	return wireBytes((int64(p.inputs()) + n - 1) / n * 16 * n)
}

// OutputBytes: see InputBytes.
func (p *Plan) OutputBytes() int64 { return wireBytes(int64(p.last().n) * 4 * int64(p.params.N()+1)) }
