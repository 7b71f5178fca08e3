package mod

import "math/bits"

// doubleTables are what a transform on float64 needs: pairs of a number and its
// ratio to q, see Modulus.centered. They take 32 n bytes.
type doubleTables struct {
	passes          int        // of two layers, before the lanes
	halves          bool       // whether there is one layer more, before the last pass
	roots, inverses []float64  // psi^brv(i), psi^-brv(i) for i < n/4
	lanes, unlanes  []float64  // of the last two layers, see doubleLanes
	scale, last     [2]float64 // 1/n, and 1/n times the root of the inverse's last layer
}

// newDoubleTables prepares the transform from the powers psi^brv(i) and psi^-brv(i).
func (t *Transform) newDoubleTables(roots, inverses []uint64) *doubleTables {
	layers := bits.Len(uint(t.n)) - 1
	d := &doubleTables{passes: (layers - 2) / 2, halves: layers%2 == 1}
	d.roots, d.inverses = t.doublePairs(roots[:t.n/4]), t.doublePairs(inverses[:t.n/4])
	d.lanes, d.unlanes = t.doubleLanes(roots), t.doubleLanes(inverses)
	scale := t.m.Inverse(uint64(t.n))
	d.scale[0], d.scale[1] = t.m.centered(scale)
	d.last[0], d.last[1] = t.m.centered(t.m.Mul(scale, inverses[1]))
	return d
}

func (t *Transform) doublePairs(w []uint64) []float64 {
	pairs := make([]float64, 0, 2*len(w))
	for _, w := range w {
		number, ratio := t.m.centered(w)
		pairs = append(pairs, number, ratio)
	}
	return pairs
}

// doubleLanes lays out the roots of the last two layers, whose butterflies are
// between the words of four vectors of four: for each of these blocks three pairs of
// vectors, of numbers and ratios. Lane r is for vector r of the block, which has one
// root in the first of the layers and two in the last.
func (t *Transform) doubleLanes(roots []uint64) []float64 {
	all := make([]float64, 0, t.n/16*24)
	for b := range t.n / 16 {
		for l := range 2 {
			for i := range 1 << l {
				var ratios [4]float64
				for r := range ratios {
					number, ratio := t.m.centered(roots[t.n>>(2-l)+(4*b+r)<<l+i])
					all, ratios[r] = append(all, number), ratio
				}
				all = append(all, ratios[:]...)
			}
		}
	}
	return all
}
