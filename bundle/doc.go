// Package bundle is the integer program: what every executor runs, what the
// range proof speaks of, and what the .qb file holds.
//
// A Program is a list of operations on integer tensors of known shape. Its
// input is the centred integer q - zeroPoint of the input quantizer, so that
// padding is zero and no operation needs a zero-point correction. Between
// operations nothing is rounded: integers grow, and the proved range of every
// tensor says how far.
//
// The package holds one definition of each operation: linear operations as
// sparse integer rows (Rows), elementwise ones as integer polynomials. The
// range proof, the reference interpreter (Program.Run) and the encrypted
// executors all work on these, so that they cannot disagree about what an
// operation means.
package bundle
