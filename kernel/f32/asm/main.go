// Command asm writes the vector kernels of package f32 as Go assembly:
//
//	go generate ./kernel/f32
//
// It is a module of its own, so that avo is no dependency of qtool. Products
// and sums stay two instructions: a fused one would round otherwise than
// portable Go does.
package main

import (
	"flag"
	"log"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
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

func main() {
	part := flag.String("part", "", "which kernels to write")
	flag.Parse()
	write, ok := parts[*part]
	if !ok {
		log.Fatalf("asm: part %q is unknown", *part)
	}
	ConstraintExpr("amd64")
	write()
	Generate()
}

// isa is a vector instruction set.
type isa struct {
	name  string // the suffix of its kernels
	lanes int    // float32 values of a register
}

var (
	avx2   = isa{"AVX2", 8}
	avx512 = isa{"AVX512", 16}
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

// tail holds what selects the first lanes of a vector.
type tail struct {
	k reg.OpmaskVirtual
	v reg.VecVirtual
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
	v, table := YMM(), GP64()
	LEAQ(laneMasks(), table)
	SHLQ(Imm(2), n)
	SUBQ(n, table)
	VMOVDQU(Mem{Base: table}.Offset(32), v)
	return tail{v: v}
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
