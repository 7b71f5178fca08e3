package bgv

import (
	"fmt"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
)

// block is the number of coefficients of a tile. The first segment of a network
// on 28x28 samples then reads 784 ciphertexts of two polynomials from 0.8 MB,
// which fits a second-level cache.
const block = 64

// tensor holds ciphertexts of one degree in the NTT domain. A limb's words are
// laid out as
//
//	[block][element][polynomial][coefficient in block]
//
// so that all that a segment needs of a block, a tile, is contiguous, and so are
// the polynomials of an element in it: to a linear map, they are one vector.
type tensor struct {
	n, elements, degree int
	limbs               [][]uint64
}

// reset gives the tensor another shape, with undefined contents. It keeps its
// memory where that is large enough: first touch of fresh memory is slow.
func (t *tensor) reset(n, elements, degree, level int) {
	t.n, t.elements, t.degree = n, elements, degree
	words := n * elements * (degree + 1)
	kept := t.limbs[:cap(t.limbs)]
	if len(kept) < level {
		kept = append(kept, make([][]uint64, level-len(kept))...)
	}
	for i := range kept[:level] {
		if cap(kept[i]) < words {
			kept[i] = newWords(words)
		}
		kept[i] = kept[i][:words]
	}
	t.limbs = kept[:level]
}

// width is the words of an element in a tile.
func (t *tensor) width() int { return (t.degree + 1) * block }

// blocks is the number of tiles in a limb.
func (t *tensor) blocks() int { return t.n / block }

// tile is the b-th of a limb.
func (t *tensor) tile(limb, b int) []uint64 {
	words := t.elements * t.width()
	return t.limbs[limb][b*words : (b+1)*words]
}

// part is block b of polynomial p of an element.
func (t *tensor) part(limb, b, element, p int) []uint64 {
	at := ((b*t.elements+element)*(t.degree+1) + p) * block
	return t.limbs[limb][at : at+block : at+block]
}

// gather copies polynomial p of an element into dst.
func (t *tensor) gather(dst []uint64, limb, element, p int) {
	for b := range t.blocks() {
		copy(dst[b*block:], t.part(limb, b, element, p))
	}
}

// scatter copies src into polynomial p of an element.
func (t *tensor) scatter(src []uint64, limb, element, p int) {
	for b := range t.blocks() {
		copy(t.part(limb, b, element, p), src[b*block:])
	}
}

// Inputs are the ciphertexts of a batch's input elements for one plaintext
// prime, as the client sends them. The zero value is ready to be filled; one
// container serves any number of batches.
type Inputs struct {
	// Prime is the index of the plaintext prime.
	Prime int
	tensor
}

// Outputs are the ciphertexts of a batch's logits for one plaintext prime.
type Outputs struct {
	// Prime is the index of the plaintext prime.
	Prime int
	tensor
}

// Len is the number of ciphertexts.
func (t *tensor) Len() int { return t.elements }

// Ciphertext is a copy of ciphertext i. Its plaintext is in slot order of the
// number theoretic transform, at the scale that the plan tracks.
func (t *tensor) Ciphertext(p *Plan, i int) *rlwe.Ciphertext {
	ct := rlwe.NewCiphertext(p.params, t.degree, len(t.limbs)-1)
	ct.IsNTT = true
	for limb := range t.limbs {
		for d := range t.degree + 1 {
			t.gather(ct.Value[d].Coeffs[limb], limb, i, d)
		}
	}
	return ct
}

// SetCiphertexts makes in the ciphertexts cts for a plaintext prime. It returns
// an error, and changes nothing, if one does not have the shape that p's client
// sends.
func (in *Inputs) SetCiphertexts(p *Plan, prime int, cts []*rlwe.Ciphertext) error {
	level := len(p.layout.q)
	if len(cts) != p.inputs() || prime < 0 || prime >= len(p.layout.t) {
		return fmt.Errorf("bgv: %d ciphertexts for plaintext prime %d, want %d for a prime below %d", len(cts), prime, p.inputs(), len(p.layout.t))
	}
	for i, ct := range cts {
		if err := p.checkFresh(ct); err != nil {
			return fmt.Errorf("bgv: ciphertext %d: %w", i, err)
		}
	}
	in.Prime = prime
	in.reset(p.Slots(), len(cts), 1, level)
	for i, ct := range cts {
		for limb := range level {
			for d := range 2 {
				in.scatter(ct.Value[d].Coeffs[limb], limb, i, d)
			}
		}
	}
	return nil
}

// checkFresh checks the shape of a client's ciphertext, and that every
// coefficient is reduced, which the lazy sums rely on.
func (p *Plan) checkFresh(ct *rlwe.Ciphertext) error {
	if ct == nil || ct.MetaData == nil || !ct.IsNTT || len(ct.Value) != 2 {
		return fmt.Errorf("want degree 1 in the NTT domain")
	}
	for _, poly := range ct.Value {
		if len(poly.Coeffs) != len(p.layout.q) {
			return fmt.Errorf("%d limbs, want %d", len(poly.Coeffs), len(p.layout.q))
		}
		for limb, q := range p.layout.q {
			if len(poly.Coeffs[limb]) != p.Slots() {
				return fmt.Errorf("%d coefficients, want %d", len(poly.Coeffs[limb]), p.Slots())
			}
			for _, x := range poly.Coeffs[limb] {
				if x >= q {
					return fmt.Errorf("coefficient %d is not reduced modulo %d", x, q)
				}
			}
		}
	}
	return nil
}

// serialisedBytes is the size of n ciphertexts as MarshalBinary writes them.
func (p *Plan) serialisedBytes(n, degree, level int) int64 {
	return int64(n) * int64(rlwe.NewCiphertext(p.params, degree, level-1).BinarySize())
}
