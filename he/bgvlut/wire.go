package bgvlut

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"

	"qtool/he/wire"
)

// format is the framing of keys and ciphertexts on the wire; see package wire. Keys are
// of parameters, ciphertexts of a plan.
var format = wire.Format{
	Package: "bgvlut", Magic: "qtooltab", Version: 1, Parameters: parameterBytes,
	Kinds: []string{"secret key", "evaluation key", "input", "output"},
}

// The kinds of objects.
const (
	kindSecretKey uint8 = iota + 1
	kindEvaluationKeys
	kindInputs
	kindOutputs
)

// parameters are what keys depend on, in few words and a hash of all of it.
type parameters struct {
	logN, chain, special, digits uint8
	t                            uint32
	hash                         [32]byte
}

const parameterBytes = 4 + 4 + 32

// parameters of a plan: ring, plaintext prime, all primes in order, and how many
// of them each digit of key switching has.
func (p *Plan) parameters() parameters {
	l := p.layout
	out := parameters{
		logN: uint8(l.logN), chain: uint8(len(l.q)), special: uint8(len(l.special)), digits: uint8(len(p.digits)), t: uint32(l.t),
	}
	b := out.bytes()
	for _, q := range p.CiphertextModuli() {
		b = binary.LittleEndian.AppendUint64(b, q)
	}
	for _, group := range p.digits {
		b = append(b, uint8(len(group)))
	}
	out.hash = sha256.Sum256(b)
	return out
}

func (x parameters) bytes() []byte {
	b := binary.LittleEndian.AppendUint32([]byte{x.logN, x.chain, x.special, x.digits}, x.t)
	return append(b, x.hash[:]...)
}

// parametersOf undoes bytes. What it gives is unchecked.
func parametersOf(b []byte) parameters {
	return parameters{
		logN: b[0], chain: b[1], special: b[2], digits: b[3],
		t: binary.LittleEndian.Uint32(b[4:]), hash: [32]byte(b[8:]),
	}
}

// String names them; parameters that differ in primes alone, by their hash.
func (x parameters) String() string {
	return fmt.Sprintf("N = 2^%d, T = %d, %d + %d primes in %d digits (%x)", x.logN, x.t, x.chain, x.special, x.digits, x.hash[:4])
}

// KeyError says that a key or ciphertext belongs to other parameters or, if those
// agree, to another secret key.
type KeyError struct {
	What      string
	got, want parameters
}

// Error names what does not fit.
func (e *KeyError) Error() string {
	if e.got == e.want {
		return fmt.Sprintf("bgvlut: %s belongs to another secret key", e.What)
	}
	return fmt.Sprintf("bgvlut: %s has other parameters: %v, want %v", e.What, e.got, e.want)
}

// origin is what a ciphertext was made for.
type origin struct {
	params parameters
	plan   [32]byte // its digest
	id     wire.KeyID
}

func (p *Plan) origin(id wire.KeyID) origin { return origin{p.parameters(), p.hash, id} }

// belongs checks that a ciphertext was made for this plan and key.
func (p *Plan) belongs(what string, o origin, want wire.KeyID) error {
	if o.plan != p.hash {
		return fmt.Errorf("bgvlut: %s was made for another program or other parameters", what)
	}
	if o.id != want {
		return &KeyError{What: what, got: p.parameters(), want: p.parameters()}
	}
	return nil
}

// digest is the hash of what ciphertexts depend on besides the key: parameters,
// levels, and what inputs and outputs mean.
func (p *Plan) digest() [32]byte {
	h := sha256.New()
	h.Write(p.parameters().bytes())
	fmt.Fprint(h, p.drops(), p.program.Input.Codes(), p.program.Output().Range)
	for i := range p.stages {
		s := &p.stages[i]
		fmt.Fprint(h, " ", s.inputs, s.between, s.outputs)
		if !s.chained(i) {
			fmt.Fprint(h, " ", s.round, s.from, s.to)
		}
	}
	return [32]byte(h.Sum(nil))
}

// drops are what each stage's tables divide by.
func (p *Plan) drops() [][]int {
	all := make([][]int, len(p.stages))
	for i := range p.stages {
		if p.stages[i].table != nil {
			all[i] = p.layout.drops[p.stages[i].round]
		}
	}
	return all
}

// chained reports whether the stage, number i, reads all that the one before it makes, as
// every stage of a chain of layers does.
func (s *stage) chained(i int) bool {
	return s.to == i+1 && len(s.from) == 1 && s.from[0].Buffer == i && s.from[0].From == 0
}

// reader reads a header and checks it against the plan.
func (p *Plan) reader(r io.Reader, kind uint8) (*wire.Reader, wire.KeyID, error) {
	mine := p.parameters()
	want := &wire.Header{Kind: kind, Parameters: mine.bytes()}
	if kind == kindInputs || kind == kindOutputs {
		want.Plan = p.hash
	}
	return format.NewReader(r, want, func(name string, got []byte) error {
		return &KeyError{What: name, got: parametersOf(got), want: mine}
	})
}
