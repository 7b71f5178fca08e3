//go:build !amd64 || purego

package gadget

// Other processors have the portable kernels, and never come here.

func (m *Monomials) powerFast([]uint64, []uint32, uint64) { panic("gadget: no fast kernels") }
func (m *Monomials) pairFast(_, _ []uint64, _, _, _ [][]uint64, _, _ int) {
	panic("gadget: no fast kernels")
}
func (m *Monomials) multiplyFast(_, _, _ []uint64) { panic("gadget: no fast kernels") }
