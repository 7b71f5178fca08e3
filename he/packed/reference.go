package packed

import (
	"qtool/he/internal/costmodel"
	"qtool/he/packed/lower"
	"qtool/kernel/cpu"
)

// ReferenceCosts are the costs on the reference processor, by which plans are chosen that
// no other costs were given for.
func ReferenceCosts(logN int) Costs { return costsOf(costmodel.Reference, logN) }

// costsOf are the costs with a level's kernels, of as many workers as the reference
// processor has.
func costsOf(level cpu.Level, logN int) Costs {
	c := costmodel.PackedOf(level, logN)
	return Costs{
		Limb:    lower.Costs{NTT: c.NTT, Extend: c.Extend, Product: c.Product, Key: c.Key, Move: c.Move, Section: c.Section},
		Workers: costmodel.Workers, Encrypt: c.Encrypt,
	}
}
