package costmodel

import "qtool/kernel/cpu"

// Packed are nanoseconds in packed ciphertexts (he/packed): of operations on one limb
// of a ring, by one worker while all are busy, each as lower.Work counts it; of the
// end of a section, where workers wait for one another; and of encrypting one input
// ciphertext. All are whole numbers, so that sums of products with counts are exact
// in float64 on every processor, in every order, fused or not.
type Packed struct{ NTT, Extend, Product, Key, Move, Section, Encrypt float64 }

// PackedOf are the costs of a level's kernels in the ring of degree 2^logN.
//
// Source: packed.Measure's passes, the least time of many over 8 seconds each, one
// worker while other work kept the machine busy, rings of 2^12 to 2^15, on
// an Intel Xeon (family 6, model 207) with the 52-bit multiply-add, and under
// QTOOL_CPU for portable kernels; for the levels between, the same least times as
// multiples of the multiply-add's in one run: transforms 1.7, extensions 2.8, products
// and keys 1.1, moves 1.25, encryption 1.1. A transform grows with N log N, the rest with
// N; diagonals and keys come from memory that no cache holds. An encryption is what a
// quiet machine of two cores took for each of 9 ciphertexts of LeNet-1, 140 ns a
// coefficient, less what processor time fell by since then on a busy one, the least of 60:
// 16.3 to 7.8 ms; the portable one takes 1.9 times as long there. With these the evaluations of that table are
// predicted within a tenth for LeNet-1 and a quarter for the ConvNet and CryptoNets.
func PackedOf(level cpu.Level, logN int) Packed {
	// Thousandths of a nanosecond a coefficient.
	ntt, extend, product, key, move, encrypt := 845, 1430, 3300, 3550, 2550, 125_000
	switch {
	case level >= cpu.IFMA:
		ntt, extend, product, key, move, encrypt = 180, 450, 950, 1700, 1200, 65_000
	case level >= cpu.AVX2:
		ntt, extend, product, key, move, encrypt = 305, 1250, 1050, 1870, 1500, 72_000
	}
	n := 1 << logN
	whole := func(thousandths int) float64 { return float64(n * thousandths / 1000) }
	return Packed{
		NTT: whole(ntt * logN), Extend: whole(extend), Product: whole(product), Key: whole(key), Move: whole(move),
		Section: 1700, Encrypt: whole(encrypt),
	}
}
