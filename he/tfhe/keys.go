package tfhe

import (
	"context"

	"qtool/he/internal/sample"
	"qtool/he/wire"
	"qtool/internal/parallel"
)

// EvaluationKeys let a server evaluate look-ups: public, made by the client,
// large. They are not changed once they are made.
type EvaluationKeys struct {
	params *Parameters
	pair   [32]byte
	id     wire.KeyID
	seed   [sample.SeedSize]byte // of all masks
	// rotation encrypts, for every group of Group bits of the small key and every pattern
	// that they may have, whether they have it, b = 1 or 0: for every digit of c_0
	// and c_1 a ring ciphertext of two polynomials, body and mask, in the NTT domain and
	// Montgomery form. The phase of digit j of c_0 is b 2^(drop + j Base), of c_1 it is
	// that times S, drop and Base being the component's. Bit k of a pattern's number is
	// bit k of the group.
	rotation [][]uint64
	// switching encrypts every coefficient of S, shareOf of them in one piece: for
	// coefficient i and level j, n mask words and a body, modulo q, with the phase
	// S_i * q / B^(j+1).
	switching [][]uint32
}

// shareOf is how many coefficients of S the switching keys are made of at once.
const shareOf = 64

// newEvaluationKeys makes keys without words.
func newEvaluationKeys(p *Parameters, pair [32]byte, id wire.KeyID, seed [sample.SeedSize]byte) *EvaluationKeys {
	return &EvaluationKeys{
		params: p, pair: pair, id: id, seed: seed,
		rotation: make([][]uint64, p.groups()), switching: make([][]uint32, p.N()/shareOf),
	}
}

// KeyID implements he.Keys.
func (e *EvaluationKeys) KeyID() wire.KeyID { return e.id }

// Bytes implements he.Keys.
func (e *EvaluationKeys) Bytes() int64 { return e.params.RotationBytes() + e.params.SwitchingBytes() }

// row is component c of row r of the encryption of pattern b of group i.
func (e *EvaluationKeys) row(i, b, r, c int) []uint64 {
	n := e.params.N()
	at := ((b*e.params.rows()+r)*2 + c) * n
	return e.rotation[i][at : at+n]
}

// switchRow is the encryption of coefficient i at level j.
func (e *EvaluationKeys) switchRow(i, j int) []uint32 {
	w := e.params.Dimension + 1
	at := (i%shareOf*e.params.Switch.Levels + j) * w
	return e.switching[i/shareOf][at : at+w]
}

// keyTasks is how many pieces both keys have: one a group of bits of the small key, then
// the switching keys' shares.
func (p *Parameters) keyTasks() int { return p.groups() + p.N()/shareOf }

// rowsOf is the number of ring ciphertexts in the keys of group i.
func (l *ParametersLiteral) rowsOf(i int) int { return l.rows() << l.bitsOf(i) }

// maskOf is the stream of the masks of a piece of the keys.
func maskOf(seed [sample.SeedSize]byte, piece int) *sample.Stream {
	return sample.NewStream(sample.Derived(seed, "tfhe key", uint64(piece)))
}

// mask makes room for a piece and fills in its masks: rows and levels in order, of
// switching keys the low bits of words of 32.
func (e *EvaluationKeys) mask(piece int) {
	p, stream := e.params, maskOf(e.seed, piece)
	if piece < p.groups() {
		if e.rotation[piece] == nil {
			e.rotation[piece] = make([]uint64, p.rowsOf(piece)*2*p.N())
		}
		for row := range p.rowsOf(piece) {
			stream.Uniform(e.row(piece, 0, row, 1), p.q)
		}
		return
	}
	share := piece - p.groups()
	if e.switching[share] == nil {
		e.switching[share] = make([]uint32, shareOf*p.Switch.Levels*(p.Dimension+1))
	}
	low := uint32(1)<<p.LogSmallQ - 1
	for i := share * shareOf; i < (share+1)*shareOf; i++ {
		for j := range p.Switch.Levels {
			row := e.switchRow(i, j)[:p.Dimension]
			stream.Words32(row)
			for c := range row {
				row[c] &= low
			}
		}
	}
}

// fill fills in a piece, with errors of the sampler.
func (e *EvaluationKeys) fill(s *sampler, k *SecretKey, piece int) {
	e.mask(piece)
	if piece < e.params.groups() {
		e.encryptGroup(s, k, piece)
	} else {
		e.encryptCoefficients(s, k, (piece-e.params.groups())*shareOf)
	}
}

// evaluationKeys makes the keys for a server on the given number of goroutines.
func (k *SecretKey) evaluationKeys(ctx context.Context, pair [32]byte, workers int) (*EvaluationKeys, error) {
	e := newEvaluationKeys(k.params, pair, k.id, sample.NewSeed())
	if err := e.fillAll(ctx, k, workers, 0, k.params.keyTasks(), nil); err != nil {
		return nil, err
	}
	return e, nil
}

// fillAll fills in pieces from..to-1. done, if not nil, is called from one goroutine at a
// time after each.
func (e *EvaluationKeys) fillAll(ctx context.Context, k *SecretKey, workers, from, to int, done func()) error {
	samplers := make([]*sampler, workers)
	for w := range samplers {
		samplers[w] = e.params.newSampler(sample.NewSeed())
		defer samplers[w].stream.Close()
	}
	return parallel.Run(ctx, workers, to-from, func(w, i int) error {
		e.fill(samplers[w], k, from+i)
		return nil
	}, done)
}

// encryptGroup fills in the bodies of the rotation keys of group i.
func (e *EvaluationKeys) encryptGroup(s *sampler, k *SecretKey, i int) {
	p := e.params
	pattern := 0
	for b, bit := range k.smallKey[i*p.Group:][:p.bitsOf(i)] {
		pattern |= int(bit) << b
	}
	for b := range 1 << p.bitsOf(i) {
		is := 1 ^ min(1, uint64(b^pattern)) // without a branch on the secret
		for row := range p.rows() {
			component, power := p.place(row)
			s.row(k, e.row(i, b, row, 0), e.row(i, b, row, 1), component, is<<power)
		}
	}
}

// encryptCoefficients fills in the bodies of the switching key of shareOf of S's
// coefficients.
func (e *EvaluationKeys) encryptCoefficients(s *sampler, k *SecretKey, from int) {
	p := e.params
	n, low := p.Dimension, uint32(1)<<p.LogSmallQ-1
	errors, used := s.errors(), 0
	for i := from; i < from+shareOf; i++ {
		for j := range p.Switch.Levels {
			if used == len(errors) {
				errors, used = s.errors(), 0
			}
			row := e.switchRow(i, j)
			step := p.LogSmallQ - p.Switch.Base*(j+1)
			body := uint32(int64(k.bigKey[i])<<step) + uint32(errors[used])
			used++
			for c := range n {
				body -= row[c] * uint32(k.smallKey[c])
			}
			row[n] = body & low
		}
	}
	clear(errors)
}
