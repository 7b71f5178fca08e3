//go:build !amd64 || purego

package mod

// There is no assembly for other processors: none of these is called.

func (*Modulus) quarterSums(*weightBlock, []uint64, int, []uint64, []int64, *[8]uint64, int) {
	panic("mod: no assembly")
}
