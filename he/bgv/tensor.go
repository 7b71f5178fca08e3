package bgv

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

// ciphertexts are a batch's for one plaintext prime: of its input elements, as the client
// makes them, or of its logits. The zero value is ready to be filled; one container serves
// any number of batches.
type ciphertexts struct {
	prime int // the index of the plaintext prime
	tensor
}
