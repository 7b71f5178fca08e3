// Package bgv runs integer programs exactly under encryption, one sample a slot:
// every input element is one BGV ciphertext that holds it for a whole batch of
// samples. There are no evaluation keys at all: nothing is rotated, and products
// are not relinearised but grow in degree until the client decrypts them.
//
// # Convention
//
// A ciphertext of degree d is polynomials (c_0, ..., c_d) modulo Q in the NTT
// domain. With the secret s and a plaintext prime T,
//
//	phase = sum c_i s^i = T^-1 m + e   (mod Q),     V = T*phase = m + T*e.
//
// This is Lattigo's. It follows that
//   - a linear map with integer weights acts on the polynomials' coefficients as
//     they are, and a constant c in every slot is T^-1 c added to every NTT
//     coefficient of c_0;
//   - a product of ciphertexts is the product of polynomials in s, times T;
//   - dividing by the last prime p of Q and rounding divides V by p, which
//     multiplies the plaintext by p^-1 mod T. This scale is tracked, goes into
//     later constants, and is taken out after decryption.
//
// # Graphs
//
// A program is cut into segments where its products are, see lower. All that a later
// segment reads is rescaled together, so that everything in a segment has one modulus.
// In a segment that begins with the scale s, ciphertexts have scales s^k: products add
// up the exponents, and where branches meet, a part of exponent j < k is multiplied by
// s^(k-j) mod t. All leave a segment with one scale, see segment and kept.
//
// # Exactness
//
// Intermediate values are computed modulo the plaintext primes t_i and may wrap:
// a sum or product of residues is the residue of the sum or product. Only the
// output must be told from its residues, so the one condition on the primes is
//
//	t_1 * ... * t_k > hi - lo
//
// for the output's static bound [lo, hi]; the residues are lifted into that
// window. The other condition is that V never reaches Q/2. NewPlan sees to it by
// the analysis at noise, and Client.Decrypt measures it: a result whose noise
// came near the limit is an error, never a number.
//
// That V wraps in a batch has a probability of at most 2^-128 by that analysis, see
// failure.go: whoever learns that a decryption failed learns of the key, and with keys
// that live that must be as rare as guessing them.
//
// # Halves
//
// A client needs the rings, the plaintext primes and the scale of the outputs: see
// parameters. A server needs the layout of primes, and cuts the program again as it was
// cut: see planFile. A message is a batch of samples for all plaintext primes, one after
// the other: one way the seed of all masks and, limb by limb from the last to the first,
// c_0 of every input, the other way whole outputs.
//
// # Evaluation
//
// All but the rescales is pointwise in the NTT domain, so the work between two
// rescales (a segment) is done limb by limb and block of coefficients by block,
// with all ciphertexts' share of a block lying together in memory (a tile). Buffers that
// only their own segment reads exist as one tile a worker.
//
// A limb needs no other but those that a rescale drops, which are the last ones. So the
// limbs go through the whole program one after the other, from the last to the first:
//
//	limb q_2:  encrypt -> segment 0 -> dropped: the digits of rescale 0
//	limb q_1:  encrypt -> segment 0 -> rescale 0 -> segment 1 -> dropped: the digits of rescale 1
//	limb q_0:  encrypt -> segment 0 -> rescale 0 -> segment 1 -> rescale 1 -> segment 2 -> outputs
//
// In memory are one limb of what waits between two segments, the digits, and one limb of
// the inputs, which are encrypted or read as their turn comes; see layout.bytes.
//
// Reference: Brakerski, Gentry, Vaikuntanathan, "(Leveled) fully homomorphic
// encryption without bootstrapping", 2012; Dowlin et al., "CryptoNets", 2016,
// for one sample a slot.
package bgv
