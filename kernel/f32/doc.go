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
// Lengths that do not fit are a programmer's mistake and panic.
package f32

//go:generate -command asm go -C asm run .
//go:generate asm -part product -out ../product_amd64.s -stubs ../product_amd64.go -pkg f32
//go:generate asm -part dots -out ../dots_amd64.s -stubs ../dots_amd64.go -pkg f32
//go:generate asm -part elementwise -out ../elementwise_amd64.s -stubs ../elementwise_amd64.go -pkg f32
//go:generate asm -part activation -out ../activation_amd64.s -stubs ../activation_amd64.go -pkg f32
//go:generate asm -part reduce -out ../reduce_amd64.s -stubs ../reduce_amd64.go -pkg f32
//go:generate asm -part normal -out ../normal_amd64.s -stubs ../normal_amd64.go -pkg f32
//go:generate asm -part pool -out ../pool_amd64.s -stubs ../pool_amd64.go -pkg f32
//go:generate asm -part transpose -out ../transpose_amd64.s -stubs ../transpose_amd64.go -pkg f32
//go:generate asm -part bilinear -out ../bilinear_amd64.s -stubs ../bilinear_amd64.go -pkg f32
//go:generate asm -part peak -out ../peak_amd64.s -stubs ../peak_amd64.go -pkg f32
