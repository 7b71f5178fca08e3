//go:build !amd64 || purego

package gadget

import "qtool/kernel/cpu"

// Other processors have the portable kernels: none of the words are done.

func (g *Gadget) splitFast([][]uint64, []uint64, []uint64, bool) int { return 0 }
func (g *Gadget) innerFused([]uint64, [][]uint64, [][]uint64) int    { return 0 }
func (g *Gadget) innerFast([]uint64, [][]uint64, [][]uint64) int     { return 0 }
func (g *Gadget) addFast([]uint64, []uint64) int                     { return 0 }
func addMulFast(cpu.Level, []uint32, []uint32, uint32) int           { return 0 }
