// Package engine evaluates linear maps, squares and sums of rotations on
// ring-LWE ciphertexts held as limbs in the NTT domain. CKKS and BGV use it
// alike: both carry the message in the high part of a phase c_0 + c_1 s, both
// divide by primes with rounding, and BGV's product is times the plaintext
// modulus besides.
//
// What is shared between rotations (the digits of a ciphertext) is computed
// once, products are added up before they are reduced, and all divisions at the
// end of a step (by the special primes, and by the rescaled one) are one. Work is
// spread over goroutines inside each step.
package engine
