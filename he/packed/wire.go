package packed

import (
	"fmt"
	"io"

	"qtool/he/packed/engine"
	"qtool/he/packed/keyset"
	"qtool/he/wire"
)

// format is the framing of keys and ciphertexts in files; see package wire. A payload is
// the number of the plaintext prime, one byte, 0 for CKKS and keys, and the limbs.
// How many there are, and modulo which prime each is, follows from the plan, which
// the reader must have.
var format = wire.Format{
	Package: "packed", Magic: "qtoolpck", Version: 1,
	Kinds: []string{"evaluation key", "input", "output"},
}

// The kinds of objects.
const (
	kindEvaluationKeys uint8 = iota + 1
	kindInputs
	kindOutputs
)

// ErrVersion marks files of another version.
var ErrVersion = wire.ErrVersion

// newWriter writes what comes before an object's limbs.
func newWriter(w io.Writer, kind uint8, plan [32]byte, id wire.KeyID, prime int) *wire.Writer {
	out := format.NewWriter(w, &wire.Header{Kind: kind, Plan: plan, Key: id})
	out.Bytes([]byte{byte(prime)})
	return out
}

// newReader reads what comes before an object's limbs and checks it against the
// plan.
func (p *common) newReader(r io.Reader, kind uint8, primes int) (in *wire.Reader, id wire.KeyID, prime int, err error) {
	in, id, err = format.NewReader(r, &wire.Header{Kind: kind, Plan: p.hash}, nil)
	if err != nil {
		return nil, id, 0, err
	}
	if prime = int(in.Bytes(1)[0]); prime >= primes {
		return nil, id, 0, fmt.Errorf("packed: %s for plaintext prime %d of %d", format.Kinds[kind-1], prime, primes)
	}
	return in, id, prime, nil
}

func (c *ciphertexts) write(w io.Writer, kind uint8, prime int) (int64, error) {
	out := newWriter(w, kind, c.plan, c.id, prime)
	for _, ct := range c.cts {
		ct.Write(out)
	}
	return out.End()
}

// readCiphertexts reads n ciphertexts of so many limbs.
func (p *common) readCiphertexts(r io.Reader, kind uint8, primes, n, limbs int, scale float64) (*ciphertexts, int, error) {
	in, id, prime, err := p.newReader(r, kind, primes)
	if err != nil {
		return nil, 0, err
	}
	c := &ciphertexts{p.hash, id, engine.ReadCiphertexts(in, n, p.logN, p.ring.Q()[:limbs]), scale}
	if err := in.EndOfFile(); err != nil {
		return nil, 0, err
	}
	return c, prime, nil
}

// WriteTo writes the ciphertexts; it implements io.WriterTo.
func (in *Inputs) WriteTo(w io.Writer) (int64, error) { return in.write(w, kindInputs, 0) }

// ReadInputs reads what Inputs.WriteTo wrote under the same plan, and nothing else.
// ErrVersion is wrapped for another version.
func (p *Plan) ReadInputs(r io.Reader) (*Inputs, error) {
	c, _, err := p.readCiphertexts(r, kindInputs, 1, len(p.lowered.Views), p.lowered.Limbs, p.scales.fresh)
	if err != nil {
		return nil, err
	}
	return &Inputs{*c}, nil
}

// WriteTo writes the ciphertexts; it implements io.WriterTo.
func (out *Outputs) WriteTo(w io.Writer) (int64, error) { return out.write(w, kindOutputs, 0) }

// ReadOutputs reads what Outputs.WriteTo wrote under the same plan; it returns the
// same kinds of errors as ReadInputs.
func (p *Plan) ReadOutputs(r io.Reader) (*Outputs, error) {
	c, _, err := p.readCiphertexts(r, kindOutputs, 1, p.outputs(), p.outLimbs(), p.scales.out)
	if err != nil {
		return nil, err
	}
	return &Outputs{*c}, nil
}

// WriteTo writes the ciphertexts; it implements io.WriterTo.
func (in *ExactInputs) WriteTo(w io.Writer) (int64, error) { return in.write(w, kindInputs, in.Prime) }

// ReadInputs reads what ExactInputs.WriteTo wrote under the same plan; it returns the
// same kinds of errors as Plan.ReadInputs.
func (p *ExactPlan) ReadInputs(r io.Reader) (*ExactInputs, error) {
	c, prime, err := p.readCiphertexts(r, kindInputs, len(p.t), len(p.lowered.Views), p.lowered.Limbs, 1)
	if err != nil {
		return nil, err
	}
	return &ExactInputs{prime, *c}, nil
}

// WriteTo writes the ciphertexts; it implements io.WriterTo.
func (out *ExactOutputs) WriteTo(w io.Writer) (int64, error) {
	return out.write(w, kindOutputs, out.Prime)
}

// ReadOutputs reads what ExactOutputs.WriteTo wrote under the same plan; it returns
// the same kinds of errors as Plan.ReadInputs.
func (p *ExactPlan) ReadOutputs(r io.Reader) (*ExactOutputs, error) {
	c, prime, err := p.readCiphertexts(r, kindOutputs, len(p.t), p.outputs(), p.outLimbs(), 1)
	if err != nil {
		return nil, err
	}
	return &ExactOutputs{prime, *c}, nil
}

// outputs is the number of output ciphertexts.
func (p *common) outputs() int { return p.lowered.Outputs().Cts }

// WriteEvaluationKeys writes the keys.
func (p *common) WriteEvaluationKeys(w io.Writer, k *EvaluationKeys) (int64, error) {
	if err := k.check(p); err != nil {
		return 0, err
	}
	out := newWriter(w, kindEvaluationKeys, k.plan, k.id, 0)
	k.Write(out, p.ring, p.needs)
	return out.End()
}

// ReadEvaluationKeys reads what WriteEvaluationKeys wrote under the same plan; it
// returns the same kinds of errors as Plan.ReadInputs.
func (p *common) ReadEvaluationKeys(r io.Reader) (*EvaluationKeys, error) {
	in, id, _, err := p.newReader(r, kindEvaluationKeys, 1)
	if err != nil {
		return nil, err
	}
	k := &EvaluationKeys{p.hash, id, keyset.Read(in, p.ring, p.needs)}
	if err := in.EndOfFile(); err != nil {
		return nil, err
	}
	return k, nil
}
