// Package tfhe runs integer programs under encryption value by value: linear maps
// on LWE ciphertexts, and one programmable bootstrap (a table look-up that also
// refreshes the ciphertext) per table entry of the program. Its latency is that
// of one sample, and tables may be arbitrary; in return every look-up fails with
// a small probability, which is computed, bounded, measured and reported.
//
// # Ciphertexts
//
// The torus is the interval [0, 1), wrapping around; a ciphertext modulo m holds
// multiples of 1/m. The client has two secrets:
//
//	S  a ring element with uniform ternary coefficients, degree N
//	s  a vector of uniform bits, dimension n < N
//
// A value travels through these forms, each with the phase b + <a, secret>:
//   - rlwe: (c_0, c_1) modulo a prime Q, phase c_0 + c_1 S. A fresh input packs N
//     values in the coefficients of one ciphertext.
//   - big-key: mask of N and body modulo 2^32 under the coefficients of S. Linear
//     maps act here, by plain sums of 32-bit words. Layer inputs and outputs are
//     big-key.
//   - small-key: mask of n and body modulo q = 2^LogSmallQ under s: what the key
//     switch makes of an accumulator.
//   - rotation: the small-key one rounded to multiples of 1/2N; blind rotation turns
//     it into an rlwe ciphertext whose constant coefficient is the table's entry.
//
// # Encoding
//
// A layer's accumulator x with the proved range [lo, hi] has phase
//
//	(x - lo + 1/2) / 2H   plus noise
//
// where 2H is the message space: how many messages, numbered from 0, the torus holds. Blind rotation can only make
// functions F with F(phase + 1/2) = -F(phase). H = hi - lo + 1 leaves the upper
// half unused and serves any table; a table f for which f(x) + f(x+H) is one
// constant c wherever both are defined, as it is for one that saturates on both
// sides and a large H, needs a smaller message space: F = f - c/2 (see halfPeriod). The
// constant is added afterwards. A look-up is right if the noise stays below 1/4H.
//
// A value has one encoding, whatever reads it. Layers that share values have one H,
// but for the logits: if these need more, they have a whole multiple of it, gain H,
// values have the phase v / 2 gain H, and a layer with tables multiplies that by gain
// (see assign).
//
// A plan is precise if words of 32 bits are too coarse for its logits. It keeps the
// values that the last layer reads modulo Q, and that layer adds them up there: its
// outputs are then ciphertexts modulo Q (see exact). A precise plan takes 8 (N + 1)
// bytes for each of these values until the sample's end. NewPlan makes a plan precise
// only if no parameters serve without, and has no gain where a message space that the
// logits and the tables share is at least as fast.
//
// # Noise
//
// See noise.go for the variances and what they assume. The failure probability
// of a look-up is that of a Gaussian of the sum of variances leaving (-1/4H,
// 1/4H); that of a sample is at most the sum over its look-ups and logits.
//
// Besides LWE and ring LWE, security assumes circularity, as usual: the rotation
// key encrypts s under S and the switching key S under s.
//
// Reference: Chillotti, Gama, Georgieva, Izabachene, "TFHE: fast fully
// homomorphic encryption over the torus", 2020; Ducas, Micciancio, "FHEW", 2015.
package tfhe
