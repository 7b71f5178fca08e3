package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

// peaks writes loops that do nothing but multiply and add in registers, sixteen
// chains side by side: what a linear kernel could do if it never had to load.
func peaks() {
	spin("spinIFMA", 16, ZMM, func(x, acc reg.VecVirtual) { VPMADD52LUQ(x, x, acc) })
	// Products of signed quarters of words: one and a sum for the words of a vector.
	spin("spinAVX512", 16, ZMM, quarterStep(ZMM))
	spin("spinAVX2", 8, YMM, quarterStep(YMM))
}

// quarterStep is what quarterSums does for a vector of words and a row, if two inputs
// are taken together.
func quarterStep(vector func() reg.VecVirtual) func(x, acc reg.VecVirtual) {
	return func(x, acc reg.VecVirtual) {
		t := vector()
		VPMADDWD(x, x, t)
		VPADDD(t, acc, acc)
	}
}

func spin(name string, chains int, vector func() reg.VecVirtual, step func(x, acc reg.VecVirtual)) {
	TEXT(name, NOSPLIT, "func(rounds uint64)")
	n := loadPointer("rounds")
	x := vector()
	if name == "spinAVX2" {
		VPXOR(x, x, x)
	} else {
		zero(x)
	}
	acc := make([]reg.VecVirtual, chains)
	for i := range acc {
		acc[i] = vector()
		if name == "spinAVX2" {
			VPXOR(acc[i], acc[i], acc[i])
		} else {
			zero(acc[i])
		}
	}
	loop("round", n, func() {
		for _, a := range acc {
			step(x, a)
		}
	})
	VZEROUPPER()
	RET()
}
