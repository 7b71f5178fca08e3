package main

import (
	. "github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/reg"
)

// peaks writes loops that do nothing but multiply and add in registers, sixteen
// chains side by side: what a linear kernel could do if it never had to load.
func peaks() {
	spin("spinIFMA", 16, ZMM, func(x, acc reg.VecVirtual) { VPMADD52LUQ(x, x, acc) })
	spin("spinAVX512", 16, ZMM, func(x, acc reg.VecVirtual) {
		t := ZMM()
		VPMULLQ(x, x, t)
		VPADDQ(t, acc, acc)
	})
	// AVX2 has products of half words: two for a word.
	spin("spinAVX2", 8, YMM, func(x, acc reg.VecVirtual) {
		for range 2 {
			t := YMM()
			VPMULDQ(x, x, t)
			VPADDQ(t, acc, acc)
		}
	})
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
