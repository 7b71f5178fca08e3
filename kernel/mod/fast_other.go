//go:build !amd64 || purego

package mod

// There is no assembly for other processors: cpu.Detected is Portable there, and
// none of these is called.

func passes(int) []int                      { return nil }
func (*Transform) spread([]uint64) []uint64 { return nil }
func (*Transform) forwardFast([]uint64)     { panic("mod: no assembly") }
func (*Transform) inverseFast([]uint64)     { panic("mod: no assembly") }
func (*Transform) forwardDouble([]uint64)   { panic("mod: no assembly") }
func (*Transform) inverseDouble([]uint64)   { panic("mod: no assembly") }

func (*Modulus) dotFast(_, _, _ []uint64, _ Pairs, _ Factor) { panic("mod: no assembly") }
func (*Modulus) innerFast(_, _ []uint64, _ []Term, _ int)    { panic("mod: no assembly") }
func (*Modulus) sums(*weightBlock, []uint64, int, []uint64, []int64, *[8]uint64, int) {
	panic("mod: no assembly")
}
func reduceIFMA(_, _ *uint64, _, _, _, _ uint64)                     { panic("mod: no assembly") }
func scaleIFMA(_, _ *uint64, _, _, _, _ uint64)                      { panic("mod: no assembly") }
func subScaleIFMA(_, _, _ *uint64, _, _, _, _ uint64)                { panic("mod: no assembly") }
func addScaleIFMA(_, _, _ *uint64, _, _, _, _ uint64)                { panic("mod: no assembly") }
func mulAddIFMA(_, _, _, _, _ *uint64, _, _ uint64)                  { panic("mod: no assembly") }
func embedIFMA(_, _ *uint64, _ *int64, _, _, _, _, _, _ uint64)      { panic("mod: no assembly") }
func countAVX512(_ *int64, _ *uint64, _ uint64, _ *uint64, _ uint64) { panic("mod: no assembly") }
func combineIFMA(_ *uint64, _ *[]uint64, _ uint64, _ *uint64, _, _, _, _ uint64) {
	panic("mod: no assembly")
}
func nearestAVX512(_ *uint64, _ *[]uint64, _ uint64, _ *float64, _, _ uint64, _, _ float64) {
	panic("mod: no assembly")
}
func scatterAVX512(_, _ *uint64, _ *uint32, _ *uint64, _ uint64)       { panic("mod: no assembly") }
func scatterAddAVX512(_, _ *uint64, _ *uint32, _ *uint64, _, _ uint64) { panic("mod: no assembly") }
func centerIFMA(_, _ *uint64, _, _, _, _, _ uint64)                    { panic("mod: no assembly") }
func addIFMA(_, _, _ *uint64, _, _ uint64)                             { panic("mod: no assembly") }
