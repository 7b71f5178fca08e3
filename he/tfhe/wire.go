package tfhe

import (
	"io"

	"qtool/he/wire"
)

// format is the framing of keys and ciphertexts on the wire; see package wire. Keys are
// of parameters, ciphertexts of a plan.
var format = wire.Format{
	Package: "tfhe", Magic: "qtoolpbs", Version: 1, Parameters: literalBytes,
	Kinds: []string{"secret key", "evaluation key", "input", "output"},
}

// The kinds of objects.
const (
	kindSecretKey uint8 = iota + 1
	kindEvaluationKeys
	kindInput
	kindOutput
)

// ErrVersion marks bytes of a version that this package does not read.
var ErrVersion = wire.ErrVersion

// KeyID names a secret key, at random: what is encrypted under one key and meets
// another is refused.
type KeyID = wire.KeyID

// reader reads a header and checks it against the plan.
func (p *Plan) reader(r io.Reader, kind uint8) (*wire.Reader, KeyID, error) {
	want := &wire.Header{Kind: kind, Parameters: p.params.bytes()}
	if kind == kindInput || kind == kindOutput {
		want.Plan = p.hash
	}
	return format.NewReader(r, want, func(name string, got []byte) error {
		return &KeyError{What: name, Got: literalOf(got), Want: p.params.ParametersLiteral}
	})
}
