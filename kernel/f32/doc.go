// Package f32 has the float32 kernels of training: products of matrices and
// convolutions, elementwise functions, sums.
//
// Every kernel states the order in which it rounds, and has a portable Go twin
// in that order; the vector versions (AVX2, AVX-512) compute many results at
// once but each in the same order, with separate products and sums. So results
// are equal to the last bit whatever the processor and whatever QTOOL_CPU says.
// Only the payload of a NaN may differ.
//
// Tensors have the batch last: [C, H, W, N] or [C, N]. Runs along a row of
// pixels are then contiguous over images too, and no vector lane is idle but in
// a run's last vector.
//
// A kernel writes to its results alone, and goroutines may share what it reads.
//
// Lengths that do not fit are a programmer's mistake and panic.
package f32

//go:generate -command asm go -C ../asm run ./f32
//go:generate asm -part product -to ../f32/product
//go:generate asm -part dots -to ../f32/dots
//go:generate asm -part elementwise -to ../f32/elementwise
//go:generate asm -part activation -to ../f32/activation
//go:generate asm -part reduce -to ../f32/reduce
//go:generate asm -part normal -to ../f32/normal
//go:generate asm -part pool -to ../f32/pool
//go:generate asm -part transpose -to ../f32/transpose
//go:generate asm -part bilinear -to ../f32/bilinear
//go:generate asm -part peak -to ../f32/peak
