// Package rns computes on ciphertexts that are polynomials modulo a chain of
// primes, limb by limb: products, relinearisation, and division by primes of the
// chain. It is what an exact evaluation with many levels needs beside the kernels
// of package mod.
//
// # Convention
//
// As in Lattigo's bgv, a ciphertext (c_0, ..., c_d) modulo Q has
//
//	phase = sum c_i s^i = T^-1 m + e   (mod Q),     V = T*phase = m + T*e
//
// in the transform (NTT) domain, with values in the order of Lattigo's. Adding a
// small integer polynomial to a phase adds noise and changes no plaintext;
// dividing by D and rounding divides V by D and multiplies the plaintext by D^-1
// mod T. A product of ciphertexts is T times the product of their polynomials in s.
//
// # Key switching
//
// Hybrid: a limb-wise digit decomposition of the last component, keys modulo QP,
// and one division by P and by the primes that the level drops together. A digit
// D may be longer than P: the noise it adds, about sqrt(digits*N/12)*3.2*D/P, lies
// under the product's own until it has been divided by the level's primes.
//
// References: Gentry, Halevi, Smart, "Homomorphic evaluation of the AES
// circuit", 2012; Han, Ki, "Better bootstrapping for approximate homomorphic
// encryption", 2020, for hybrid decomposition; Halevi, Polyakov, Shoup, "An
// improved RNS variant of the BFV homomorphic encryption scheme", 2019, for the
// rounding in base conversions.
package rns
