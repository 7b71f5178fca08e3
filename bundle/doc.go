// Package bundle is the integer program: what every executor runs, what the
// range proof speaks of, and what the .qb file holds.
//
// A Program is a graph of operations on integer tensors of known shape, in an order
// in which they can run. Its input is the centred integer q - zeroPoint of the input
// quantizer, so that padding is zero and no operation needs a zero-point correction.
// Polynomial programs round nothing between operations: integers grow. What rounds
// says so: LookupTable, Mul and Shift, half to even. The static bound of every tensor
// says how far its integers go, for any input.
//
// Tensors may be read by several nodes, and joined by Add, Mul and Concat. A node
// stands for reals by its Scale; where tensors are joined, scales meet exactly, and a
// program in which they don't is refused.
//
// The package holds one definition of each operation: linear ones as sparse integer
// rows over all their inputs (Rows), elementwise ones as integer polynomials or
// tables, and the rest as what LowerMaxPool makes of it. The range proof, the reference
// interpreter (Runner) and the encrypted executors all work on these, so that they
// cannot disagree about what an operation means.
//
// A file of schema 1 holds chains of the first operations; schema 2 holds all.
// Programs are written in the oldest schema that holds them, and both are read.
package bundle
