// Package mod computes with residues modulo primes of up to 61 bits, in words of
// 64 bits: what evaluation under encryption spends its time on.
//
// Every kernel has a portable twin in Go, which defines its result. Results are
// canonical, in [0, q), so that twin and assembly agree to the last bit whatever
// they do in between. A Modulus chooses its kernels when it is made, from what
// package cpu finds and from the size of q:
//
//   - linear maps: AVX2 and AVX-512, by products of quarters of a word where
//     weights are of 16 bits, and the 52-bit multiply-add (IFMA) while
//     weights and q are small enough
//   - transforms, products, reductions, base conversions: IFMA, or float64 with fused
//     products and sums (AVX2 with FMA), and q below 2^50
//   - sums of two residues, permutations, thresholds: AVX2 and AVX-512
//
// What is prepared once (Modulus, Transform, Weights, Factor, Fixed, Pairs,
// Weighing, Permutation) is never written again: goroutines may share it. A kernel
// writes to its results alone.
//
// Slices that a kernel writes must not overlap those it reads, unless they are
// the same. Kernels panic if lengths don't fit.
package mod

//go:generate -command asm go -C ../asm run ./mod
//go:generate asm -part ntt -to ../mod/ntt
//go:generate asm -part ntt_double -to ../mod/ntt_double
//go:generate asm -part linear -to ../mod/linear
//go:generate asm -part quarters -to ../mod/quarters
//go:generate asm -part fused -to ../mod/fused
//go:generate asm -part vectors -to ../mod/vectors
//go:generate asm -part inner -to ../mod/inner
