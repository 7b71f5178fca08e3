package packed

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/verify/he/packed/engine"
)

// Files of keys and ciphertexts have one form:
//
//	"qtoolHE" version kind    8 bytes and 1
//	hash of the plan          32 bytes
//	plaintext prime           1 byte, 0 for CKKS
//	limbs                     8 bytes a coefficient, little endian
//	SHA-256 of all before     32 bytes
//
// How many limbs there are, and modulo which prime each is, follows from the
// plan, which the reader must have: nothing in a file decides how much memory is
// taken. Readers refuse every coefficient that is not reduced.
const (
	wireMagic   = "qtoolHE"
	wireVersion = 1
)

// ErrVersion marks files of another version of this format.
var ErrVersion = errors.New("unsupported version")

type kind byte

const (
	kindKeys kind = iota + 1
	kindInputs
	kindOutputs
)

func (k kind) String() string {
	return map[kind]string{kindKeys: "evaluation keys", kindInputs: "encrypted inputs", kindOutputs: "encrypted outputs"}[k]
}

// limb is one limb of a file and its modulus.
type limb struct {
	x []uint64
	q uint64
}

func header(k kind, plan [32]byte, prime int) []byte {
	b := append([]byte(wireMagic), wireVersion, byte(k))
	return append(append(b, plan[:]...), byte(prime))
}

// write writes a file.
func write(w io.Writer, k kind, plan [32]byte, prime int, limbs []limb) error {
	h := sha256.New()
	b := bufio.NewWriterSize(w, 1<<16)
	out := io.MultiWriter(b, h)
	if _, err := out.Write(header(k, plan, prime)); err != nil {
		return fmt.Errorf("packed: writing %v: %w", k, err)
	}
	var buffer []byte
	for _, l := range limbs {
		buffer = buffer[:0]
		for _, v := range l.x {
			buffer = binary.LittleEndian.AppendUint64(buffer, v)
		}
		if _, err := out.Write(buffer); err != nil {
			return fmt.Errorf("packed: writing %v: %w", k, err)
		}
	}
	b.Write(h.Sum(nil))
	if err := b.Flush(); err != nil {
		return fmt.Errorf("packed: writing %v: %w", k, err)
	}
	return nil
}

// reader reads a file: open checks its head, fill its limbs, close its end.
type reader struct {
	from io.Reader
	hash hash.Hash
	kind kind
}

// open reads the head and gives the plaintext prime.
func open(r io.Reader, k kind, plan [32]byte, primes int) (*reader, int, error) {
	h := sha256.New()
	in := &reader{io.TeeReader(bufio.NewReaderSize(r, 1<<16), h), h, k}
	want := header(k, plan, 0)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(in.from, got); err != nil {
		return nil, 0, fmt.Errorf("packed: %v: the file ends in its head: %w", k, err)
	}
	m := len(wireMagic)
	prime := int(got[len(got)-1])
	switch {
	case string(got[:m]) != wireMagic:
		return nil, 0, fmt.Errorf("packed: %v: the file is none of this program's", k)
	case got[m] != wireVersion:
		return nil, 0, fmt.Errorf("packed: %v: %w %d, want %d", k, ErrVersion, got[m], wireVersion)
	case kind(got[m+1]) != k:
		return nil, 0, fmt.Errorf("packed: the file holds %v, want %v", kind(got[m+1]), k)
	case !bytes.Equal(got[m+2:len(got)-1], plan[:]):
		return nil, 0, fmt.Errorf("packed: %v are of another plan: %x, want %x", k, got[m+2:m+10], plan[:8])
	case prime >= primes:
		return nil, 0, fmt.Errorf("packed: %v for plaintext prime %d of %d", k, prime, primes)
	}
	return in, prime, nil
}

func (r *reader) fill(limbs []limb) error {
	var buffer []byte
	for i, l := range limbs {
		if buffer == nil {
			buffer = make([]byte, 8*len(l.x))
		}
		if _, err := io.ReadFull(r.from, buffer); err != nil {
			return fmt.Errorf("packed: %v: the file ends in limb %d of %d: %w", r.kind, i, len(limbs), err)
		}
		for k := range l.x {
			v := binary.LittleEndian.Uint64(buffer[8*k:])
			if v >= l.q {
				return fmt.Errorf("packed: %v: coefficient %d of limb %d is %d, not reduced modulo %d", r.kind, k, i, v, l.q)
			}
			l.x[k] = v
		}
	}
	return nil
}

func (r *reader) close() error {
	want := r.hash.Sum(nil)
	got := make([]byte, len(want))
	if _, err := io.ReadFull(r.from, got); err != nil {
		return fmt.Errorf("packed: %v: the file ends in its hash: %w", r.kind, err)
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("packed: %v are damaged: their hash is %x, the file says %x", r.kind, want[:8], got[:8])
	}
	if n, _ := r.from.Read(make([]byte, 1)); n > 0 {
		return fmt.Errorf("packed: %v: the file goes on after its end", r.kind)
	}
	return nil
}

// limbs lists those of ciphertexts.
func (c *ciphertexts) limbs(p *common) []limb {
	var all []limb
	for _, ct := range c.cts {
		for _, poly := range ct {
			for i, x := range poly {
				all = append(all, limb{x, p.ring.Q()[i]})
			}
		}
	}
	return all
}

// readCiphertexts reads n ciphertexts of so many limbs.
func (p *common) readCiphertexts(r io.Reader, k kind, primes, n, limbs int, scale float64) (*ciphertexts, int, error) {
	in, prime, err := open(r, k, p.hash, primes)
	if err != nil {
		return nil, 0, err
	}
	c := &ciphertexts{p.hash, make([]engine.Ciphertext, n), scale}
	for i := range c.cts {
		c.cts[i] = engine.Ciphertext{make(engine.Poly, limbs), make(engine.Poly, limbs)}
		for _, poly := range c.cts[i] {
			for j := range poly {
				poly[j] = make([]uint64, p.ring.N())
			}
		}
	}
	if err := in.fill(c.limbs(p)); err != nil {
		return nil, 0, err
	}
	if err := in.close(); err != nil {
		return nil, 0, err
	}
	return c, prime, nil
}

// WriteTo writes the ciphertexts; see wire.go for the form.
func (in *Inputs) WriteTo(p *Plan, w io.Writer) error {
	return write(w, kindInputs, in.plan, 0, in.limbs(&p.common))
}

// ReadInputs reads what Inputs.WriteTo wrote under the same plan.
func (p *Plan) ReadInputs(r io.Reader) (*Inputs, error) {
	c, _, err := p.readCiphertexts(r, kindInputs, 1, p.lowered.Stages[0].Map.Cts, p.lowered.Limbs, p.scales.fresh)
	if err != nil {
		return nil, err
	}
	return &Inputs{*c}, nil
}

// WriteTo writes the ciphertexts; see wire.go for the form.
func (out *Outputs) WriteTo(p *Plan, w io.Writer) error {
	return write(w, kindOutputs, out.plan, 0, out.limbs(&p.common))
}

// ReadOutputs reads what Outputs.WriteTo wrote under the same plan.
func (p *Plan) ReadOutputs(r io.Reader) (*Outputs, error) {
	c, _, err := p.readCiphertexts(r, kindOutputs, 1, p.outputs(), p.outLimbs(), p.scales.out)
	if err != nil {
		return nil, err
	}
	return &Outputs{*c}, nil
}

// WriteTo writes the ciphertexts; see wire.go for the form.
func (in *ExactInputs) WriteTo(p *ExactPlan, w io.Writer) error {
	return write(w, kindInputs, in.plan, in.Prime, in.limbs(&p.common))
}

// ReadInputs reads what ExactInputs.WriteTo wrote under the same plan.
func (p *ExactPlan) ReadInputs(r io.Reader) (*ExactInputs, error) {
	c, prime, err := p.readCiphertexts(r, kindInputs, len(p.t), p.lowered.Stages[0].Map.Cts, p.lowered.Limbs, 1)
	if err != nil {
		return nil, err
	}
	return &ExactInputs{prime, *c}, nil
}

// WriteTo writes the ciphertexts; see wire.go for the form.
func (out *ExactOutputs) WriteTo(p *ExactPlan, w io.Writer) error {
	return write(w, kindOutputs, out.plan, out.Prime, out.limbs(&p.common))
}

// ReadOutputs reads what ExactOutputs.WriteTo wrote under the same plan.
func (p *ExactPlan) ReadOutputs(r io.Reader) (*ExactOutputs, error) {
	c, prime, err := p.readCiphertexts(r, kindOutputs, len(p.t), p.outputs(), p.outLimbs(), 1)
	if err != nil {
		return nil, err
	}
	return &ExactOutputs{prime, *c}, nil
}

// outputs is the number of output ciphertexts.
func (p *common) outputs() int { return p.lowered.Stages[len(p.lowered.Stages)-1].Layout.Cts }

// limbs lists the keys', rotations ascending, then relinearisation.
func (k *Keys) limbs(p *common) []limb {
	var all []limb
	gadget := func(g *rlwe.GadgetCiphertext) {
		for _, digit := range g.Value {
			for _, half := range digit[0] {
				for i, x := range half.Q.Coeffs {
					all = append(all, limb{x, p.ring.Q()[i]})
				}
				for i, x := range half.P.Coeffs {
					all = append(all, limb{x, p.ring.P()[i]})
				}
			}
		}
	}
	for _, r := range p.needs.sorted() {
		gadget(&k.galois[r].GadgetCiphertext)
	}
	if k.relin != nil {
		gadget(&k.relin.GadgetCiphertext)
	}
	return all
}

// WriteKeys writes the keys; see wire.go for the form.
func (p *common) WriteKeys(w io.Writer, k *Keys) error {
	if err := k.check(p.hash, p.needs); err != nil {
		return err
	}
	return write(w, kindKeys, k.plan, 0, k.limbs(p))
}

// ReadKeys reads what WriteKeys wrote under the same plan.
func (p *common) ReadKeys(r io.Reader) (*Keys, error) {
	in, _, err := open(r, kindKeys, p.hash, 1)
	if err != nil {
		return nil, err
	}
	k := &Keys{plan: p.hash, galois: map[int]*rlwe.GaloisKey{}}
	for step, limbs := range p.needs.rotations {
		g := rlwe.NewGaloisKey(p.ring, keyLevel(p.ring, limbs))
		g.GaloisElement, g.NthRoot = p.ring.GaloisElement(step), p.ring.RingQ().NthRoot()
		k.galois[step] = g
	}
	if p.needs.relin > 0 {
		k.relin = rlwe.NewRelinearizationKey(p.ring, keyLevel(p.ring, p.needs.relin))
	}
	if err := in.fill(k.limbs(p)); err != nil {
		return nil, err
	}
	if err := in.close(); err != nil {
		return nil, err
	}
	return k, nil
}
