//go:build !amd64 || purego

package mod

// There is no assembly for other processors: none of these is called.

func (*Modulus) quarterSums(*weightBlock, []uint64, int, []uint64, []int64, *[8]uint64, int) {
	panic("mod: no assembly")
}

func (*Modulus) dotFused(_, _, _ []uint64, _ Pairs, _ Factor) { panic("mod: no assembly") }
func (*Modulus) innerFused(_, _ []uint64, _ []Term, _ int)    { panic("mod: no assembly") }

func reduceAVX2(_, _ *uint64, _, _ uint64, _ *float64)                 { panic("mod: no assembly") }
func scaleAVX2(_, _ *uint64, _ uint64, _, _ float64, _ *float64)       { panic("mod: no assembly") }
func subScaleAVX2(_, _, _ *uint64, _ uint64, _, _ float64, _ *float64) { panic("mod: no assembly") }
func addScaleAVX2(_, _, _ *uint64, _ uint64, _, _ float64, _ *float64) { panic("mod: no assembly") }
func mulAddAVX2(_, _, _, _ *uint64, _ uint64, _ *float64)              { panic("mod: no assembly") }
func embedAVX2(_, _ *uint64, _ *int64, _ uint64, _, _, _, _ float64, _ *float64) {
	panic("mod: no assembly")
}
func centerAVX2(_, _ *uint64, _, _, _ uint64, _ *float64) { panic("mod: no assembly") }
func addAVX2(_, _, _ *uint64, _, _ uint64)                { panic("mod: no assembly") }
func combineAVX2(_ *uint64, _ *[]uint64, _ uint64, _ *float64, _, _ uint64, _ *float64) {
	panic("mod: no assembly")
}
func nearestAVX2(_ *uint64, _ *[]uint64, _ uint64, _ *float64, _, _ uint64, _, _ float64) {
	panic("mod: no assembly")
}
func countAVX2(_ *int64, _ *uint64, _ uint64, _ *uint64, _ uint64) { panic("mod: no assembly") }
func scatterAVX2(_, _ *uint64, _, _ *uint32, _ uint64)             { panic("mod: no assembly") }
func scatterAddAVX2(_, _ *uint64, _, _ *uint32, _, _ uint64)       { panic("mod: no assembly") }
