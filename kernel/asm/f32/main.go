// Command f32 writes the vector kernels of package f32 as Go assembly:
//
//	go generate ./kernel/f32
//
// Products and sums stay two instructions: a fused one would round otherwise than
// portable Go does.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"

	"qtool/kernel/asm/emit"
)

// parts are the files, by name.
var parts = map[string]func(){
	"product":     products,
	"dots":        dotProducts,
	"elementwise": simple,
	"activation":  activations,
	"reduce":      reductions,
	"normal":      normalisations,
	"pool":        pools,
	"transpose":   transposes,
	"bilinear":    bilinear,
	"peak":        peaks,
}

func main() { emit.Main(parts) }

// isa is a vector instruction set.
type isa struct {
	name      string // the suffix of its kernels
	lanes     int    // float32 values of a register
	registers int    // vector registers
}

var (
	avx2   = isa{"AVX2", 8, 16}
	avx512 = isa{"AVX512", 16, 32}
)

// vec is a new vector register.
func (i isa) vec() reg.VecVirtual {
	if i.lanes == 16 {
		return ZMM()
	}
	return YMM()
}

// vecs are n new vector registers.
func (i isa) vecs(n int) []reg.VecVirtual {
	v := make([]reg.VecVirtual, n)
	for k := range v {
		v[k] = i.vec()
	}
	return v
}

// zero clears v.
func (i isa) zero(v reg.VecVirtual) {
	if i.lanes == 16 {
		VPXORD(v, v, v)
	} else {
		VXORPS(v, v, v)
	}
}

// tail holds what selects the first lanes of a vector: a mask register, a vector
// of masks, or the place where that is in memory, for kernels that have no
// register left for it.
type tail struct {
	k  reg.OpmaskVirtual
	v  reg.VecVirtual
	at Mem
}

// mask selects the first n lanes, 0 <= n <= lanes. n is overwritten.
func (i isa) mask(n reg.GPVirtual) tail {
	if i.lanes == 16 {
		ones, k := GP64(), K()
		MOVQ(I64(-1), ones)
		BZHIQ(n, ones, ones)
		KMOVW(ones.As32(), k)
		return tail{k: k}
	}
	v := YMM()
	VMOVDQU(laneMask(n), v)
	return tail{v: v}
}

// maskInMemory is mask, but with 8 lanes it takes no vector register until it is
// used.
func (i isa) maskInMemory(n reg.GPVirtual) tail {
	if i.lanes == 16 {
		return i.mask(n)
	}
	return tail{at: laneMask(n)}
}

// laneMask is where the vector of masks of the first n of 8 lanes is. n is
// overwritten.
func laneMask(n reg.GPVirtual) Mem {
	table := GP64()
	LEAQ(laneMasks(), table)
	SHLQ(Imm(2), n)
	SUBQ(n, table)
	return Mem{Base: table, Disp: 32}
}

var laneTable Mem

// laneMasks is 8 words of ones, then 8 of zeros.
func laneMasks() Mem {
	if laneTable.Symbol.Name == "" {
		laneTable = GLOBL("laneMasks", 16 /* NOPTR */ |8 /* RODATA */)
		for k := range 16 {
			word := int32(0)
			if k < 8 {
				word = -1
			}
			DATA(4*k, U32(uint32(word)))
		}
	}
	return laneTable
}

// load reads the selected lanes and clears the others.
func (i isa) load(m Mem, t *tail, v reg.VecVirtual) {
	switch {
	case t == nil:
		VMOVUPS(m, v)
	case i.lanes == 16:
		VMOVUPS_Z(m, t.k, v)
	case t.v == nil:
		VMOVDQU(t.at, v)
		VMASKMOVPS(m, v, v)
	default:
		VMASKMOVPS(m, t.v, v)
	}
}

// store writes the selected lanes.
func (i isa) store(v reg.VecVirtual, t *tail, m Mem) {
	switch {
	case t == nil:
		VMOVUPS(v, m)
	case i.lanes == 16:
		VMOVUPS(v, t.k, m)
	case t.v == nil:
		lanes := i.vec()
		VMOVDQU(t.at, lanes)
		VMASKMOVPS(v, lanes, m)
	default:
		VMASKMOVPS(v, t.v, m)
	}
}

// at is the address base + index*scale + offset.
func at(base, index reg.Register, scale uint8, offset int) Mem {
	return Mem{Base: base, Index: index, Scale: scale, Disp: offset}
}

// param loads an argument.
func param(name string) reg.GPVirtual {
	r := GP64()
	Load(Param(name), r)
	return r
}
