// Package bgvlut runs integer programs with lookup tables exactly under
// encryption, one sample a slot, or two slots a sample: every tensor element is in one BGV
// ciphertext that holds it for a whole batch of samples.
//
// # Tables are polynomials
//
// Slots are residues modulo a prime T = 1 mod 2N. A table over the proved domain
// [lo, hi] of its element is a polynomial of degree at most hi-lo over F_T, found
// by interpolation; on the domain it gives the table's entries exactly, and no
// input leaves the domain. With x = q - (lo+hi)/2, which F_T can halve, a table
// with a symmetry about its centre is an odd or even polynomial in x. The one
// condition on T is that it passes the width of every table's domain and of the
// logits' range. All else may wrap.
//
// # Evaluation
//
// A linear map multiplies and adds ciphertexts by its integer weights. A
// polynomial p of degree below b 2^h is evaluated with about b + 2^(h-1)
// relinearised products: powers x, ..., x^b and giants x^2b, x^4b, ... are shared
// by all of a tree
//
//	node(h) = left(h-1) * x^(b 2^(h-1)) + right(h-1),   node(0) = sum_{j<b} c_j x^j
//
// whose right children stay degree-2 tensors: only what is multiplied again is
// relinearised. Each of the ceil(log2 b) + h levels divides by primes of the
// chain; the plaintext factors that this leaves are known, and go into the
// coefficients, so that a table's output has the factor 1.
//
// There is no refreshing: one chain of primes carries the whole network. The
// client makes the secret key, a relinearisation key and, with two copies, a key that swaps
// halves of the slots.
//
// # Copies
//
// A batch that leaves half of the slots empty has every sample in two of them instead, and
// ciphertexts behind the first linear map have two elements, each in half of the slots: a
// table is evaluated for both at once, with coefficients in Z[i], i = X^(N/2). Elements are
// put beside each other by two masks of size sqrt(T), see masks; a linear map that reads an
// element in the other half swaps halves of a sum by X -> X^-1 and one key switch a
// ciphertext, not one a product. Costs choose: linear maps and encryption gain nothing.
//
// # Graphs
//
// Tables run in rounds: a table of round r has at most r tables on its way from the
// input, and all tables of a round divide by the same levels' primes. As every output of
// a table has the factor 1, sums of any branches are right as they are; what waits for a
// later round is cut to its primes. Maxima and products become tables, see lower.
//
// # Exactness
//
// Package rns states the convention: V = m + T*e must stay below Q/2. NewPlan
// chooses each level's primes by the analysis at noise; Client.Decrypt measures
// what is left, and gives an error, never a number, if that is less than a bit. By that
// analysis a batch decrypts wrongly with a probability of at most 2^-128, see model: whoever
// learns that a decryption failed learns of the key.
//
// # Halves
//
// A client needs the rings and the digits of key switching: see parameters. A server needs
// the primes and levels, and makes the same stages and polynomials of the program again:
// see planFile. A message is a batch of samples: the seed of all masks and c_0 of every
// input one way, whole outputs the other. Evaluation keys are a seed and the bodies of one
// or two keys.
//
// References: Paterson, Stockmeyer, "On the number of nonscalar multiplications
// necessary to evaluate polynomials", 1973; Brakerski, Gentry, Vaikuntanathan,
// "(Leveled) fully homomorphic encryption without bootstrapping", 2012.
package bgvlut
