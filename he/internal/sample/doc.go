// Package sample is the one source of randomness of encryption: what every back
// end draws for secret keys, ciphertexts and evaluation keys comes from a Stream.
//
//	Words, Words32   uniform words                        masks modulo 2^64, 2^32
//	Uniform          uniform residues modulo q            masks modulo a prime
//	Ternary          -1, 0, 1, a third each               secrets of rings
//	Binary           0, 1, a half each                    secrets of LWE
//	Gaussian         standard deviation 3.2, cut at 19.2  errors
//	DiscreteGaussian any standard deviation, exact        noise on answers that leave
//	Seed             the seed of another Stream
//
// A Stream is AES-256 in counter mode with fast key erasure, seeded by the
// operating system (NewSeed). It forgets: words that were handed out are cleared
// in its buffer at once, its key is replaced at every refill, and Reset and Close
// clear both, so that the state of a process says nothing of earlier draws. What
// the callers do with the words is theirs to clear. Package crypto/aes keeps an
// expanded key on the heap that Go gives no means to clear; it is replaced with the
// key and holds until the memory is used again.
//
// Distributions are tested with fixed seeds, by chi square, moments and tails.
// Bounds are six standard deviations of the statistic: a right sampler passes them
// with all but some two seeds in 10^9.
package sample
