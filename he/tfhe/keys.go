package tfhe

import (
	"context"

	"qtool/he/internal/sample"
	"qtool/internal/parallel"
)

// EvaluationKeys let a server evaluate look-ups: public, made by the client,
// large.
type EvaluationKeys struct {
	params *Parameters
	id     KeyID
	// rotation encrypts every bit s_i of the small key: for every digit of c_0
	// and c_1 a ring ciphertext of two polynomials, in the NTT domain and Montgomery
	// form. That of digit j of c_k is an encryption of zero with s_i 2^(drop + j Base)
	// added to component k, drop and Base being c_k's.
	rotation []uint64
	// switching encrypts every coefficient of S: for coefficient i and level j, n
	// mask words and a body, modulo q, with the phase S_i * q / B^(j+1).
	switching []uint32
}

// Parameters are those the keys were made for.
func (e *EvaluationKeys) Parameters() *Parameters { return e.params }

// KeyID names the secret key that the keys belong to.
func (e *EvaluationKeys) KeyID() KeyID { return e.id }

// Bytes is the size of the keys on the wire.
func (e *EvaluationKeys) Bytes() int64 {
	return format.Bytes(e.params.RotationBytes() + e.params.SwitchingBytes())
}

// row is component c of row r of the encryption of bit i.
func (e *EvaluationKeys) row(i, r, c int) []uint64 {
	n := e.params.N()
	at := ((i*e.params.rows()+r)*2 + c) * n
	return e.rotation[at : at+n]
}

// switchRow is the encryption of coefficient i at level j.
func (e *EvaluationKeys) switchRow(i, j int) []uint32 {
	w := e.params.Dimension + 1
	at := (i*e.params.Switch.Levels + j) * w
	return e.switching[at : at+w]
}

// EvaluationKeys makes the keys for a server on the given number of goroutines.
// progress, if not nil, is called from one goroutine at a time with the share of
// the work that is done.
func (k *SecretKey) EvaluationKeys(ctx context.Context, workers int, progress func(done, total int)) (*EvaluationKeys, error) {
	p := k.params
	e := &EvaluationKeys{
		params: p, id: k.id,
		rotation:  make([]uint64, p.RotationBytes()/8),
		switching: make([]uint32, p.SwitchingBytes()/4),
	}
	samplers := make([]*sampler, workers)
	for w := range samplers {
		samplers[w] = p.newSampler(sample.NewSeed())
		defer samplers[w].stream.Close()
	}
	const share = 64 // coefficients of S a task
	tasks, done := p.Dimension+p.N()/share, 0
	err := parallel.Run(ctx, workers, tasks, func(w, task int) error {
		if task < p.Dimension {
			e.encryptBit(samplers[w], k, task)
			return nil
		}
		from := (task - p.Dimension) * share
		e.encryptCoefficients(samplers[w], k, from, from+share)
		return nil
	}, func() {
		if done++; progress != nil {
			progress(done, tasks)
		}
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// encryptBit fills in the rotation key of bit i.
func (e *EvaluationKeys) encryptBit(s *sampler, k *SecretKey, i int) {
	p := e.params
	r := p.ring.SubRings[0]
	for row := range p.rows() {
		c := [2][]uint64{e.row(i, row, 0), e.row(i, row, 1)}
		s.zero(k, c[0], c[1])
		component, power := p.place(row)
		r.AddScalar(c[component], uint64(k.smallKey[i])<<power, c[component])
		r.MForm(c[0], c[0])
		r.MForm(c[1], c[1])
	}
}

// encryptCoefficients fills in the switching key of S's coefficients from..to-1.
func (e *EvaluationKeys) encryptCoefficients(s *sampler, k *SecretKey, from, to int) {
	p := e.params
	n, mask := p.Dimension, uint32(1)<<p.LogSmallQ-1
	errors, used := s.errors(), 0
	for i := from; i < to; i++ {
		for j := range p.Switch.Levels {
			if used == len(errors) {
				errors, used = s.errors(), 0
			}
			row := e.switchRow(i, j)
			s.stream.Words32(row[:n])
			step := p.LogSmallQ - p.Switch.Base*(j+1)
			body := uint32(int64(k.bigKey[i])<<step) + uint32(errors[used])
			used++
			for c := range n {
				row[c] &= mask
				body -= row[c] * uint32(k.smallKey[c])
			}
			row[n] = body & mask
		}
	}
	clear(errors)
}
