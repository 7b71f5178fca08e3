// Command mod writes the assembly of qtool/kernel/mod and qtool/kernel/peak, and for
// AVX2 that of qtool/kernel/gadget:
//
//	go generate ./kernel/mod ./kernel/peak ./kernel/gadget
package main

import (
	"log"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
	"github.com/mmcloughlin/avo/x86"

	"qtool/kernel/asm/emit"
)

var kernels = map[string]func(){"ntt": transforms, "ntt_double": doubleTransforms, "linear": linear, "quarters": quarters, "fused": fused, "gadget": external, "vectors": pointwise, "inner": inner, "peak": peaks}

func main() { emit.Main(kernels) }

// words is the size of a 64-bit word in bytes.
const words = 8

// loadPointer, loadInt and spread load arguments; spread fills a vector.
func loadPointer(name string) reg.GPVirtual { return Load(Param(name), GP64()).(reg.GPVirtual) }

func spread(name string) reg.VecVirtual {
	r, v := loadPointer(name), ZMM()
	VPBROADCASTQ(r, v)
	return v
}

// zero clears a vector. The allocator of registers is told that the old value
// doesn't matter, which it knows of shorter vectors only.
func zero(v reg.VecVirtual) {
	i, err := x86.VPXORQ(v, v, v)
	if err != nil {
		log.Fatal(err)
	}
	i.CancellingInputs = true
	Instruction(i)
}

// lowBits is a vector of 52 ones a lane.
func lowBits() reg.VecVirtual {
	r, v := GP64(), ZMM()
	MOVQ(U64(1<<52-1), r)
	VPBROADCASTQ(r, v)
	return v
}

// loop runs body n > 0 times.
func loop(label string, n reg.GPVirtual, body func()) {
	Label(label)
	body()
	DECQ(n)
	JNZ(LabelRef(label))
}
