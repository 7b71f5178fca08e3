// Package lstm runs recurrent programs with polynomial gates under CKKS, many
// sequences in the slots of each ciphertext, without bootstrapping.
//
// # Layout
//
// With B blocks, a power of two at least as large as the state, a ciphertext of
// N/2 slots holds S = N/2B sequences: element u of sequence s is in slot u S + s.
// A matrix product is a sum over diagonals of rotations by multiples of S; all
// gates share the rotations of the state and of the step's input, which are
// hoisted. At N = 2^16 a state of 16 elements takes 2048 sequences.
//
// # Levels
//
// A step takes the primes
//
//	z = A_x x + A_h h + b        one
//	g = cubic(z)                 two
//	c = w_i i g + w_f f c        one
//	h = o cubic(c)               two, as (o c)(c^2 + ...); one where it is o c
//
// and the logits one more. Each step's input is encrypted at the level where it is
// needed. Factors (see levels.go) are chosen so that cubics are monic and sums
// need no correction: nothing is multiplied by a constant alone, which would take a
// prime.
//
// # What it computes
//
// The reals that the program's integers stand for, without the rounding of its
// Shift operations. The stated error counts that rounding in; see noise.go. A
// Domain is not checked by the server, which sees nothing: the integer reference
// checks it.
package lstm
