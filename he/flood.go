package he

import (
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/he/internal/sample"
	"qtool/internal/elementary"
)

// MaxFlood bounds the bits of flooding.
const MaxFlood = 40

// Flooder is a Client of approximate answers that can hide their errors under noise.
type Flooder interface {
	Client
	// Flooding is the same client, with the same key, whose Decrypt gives answers as
	// Approximate.Flooded makes them. It returns an error for bits outside 1..MaxFlood,
	// and where answers are exact.
	Flooding(bits int) (Client, error)
}

// Flooding is c with flooded answers; see Flooder. It returns an error where c's answers
// are exact, as they have no error to hide.
func Flooding(c Client, bits int) (Client, error) {
	f, ok := c.(Flooder)
	if !ok {
		return nil, CheckFlooding(c.Spec().Backend, true, bits)
	}
	return f.Flooding(bits)
}

// CheckFlooding refuses flooding of exact answers, which have no error to hide, and bits
// out of range.
func CheckFlooding(backend string, exact bool, bits int) error {
	switch {
	case exact:
		return fmt.Errorf("he: answers of %s are exact integers: there is no error for noise to hide", backend)
	case bits < 1 || bits > MaxFlood:
		return fmt.Errorf("he: flooding of %d bits, want 1..%d", bits, MaxFlood)
	}
	return nil
}

// fineBits is how much finer than its bound an answer is before noise is added, and tail
// how many standard deviations the stated bound of the noise is: a draw is larger with
// probability at most 2 exp(-tail^2/2) < 2^-40.
const (
	fineBits = 7
	tail     = 7.6
)

// Flooded are the answers with noise on every output, drawn anew by each call, and rounded
// as Rounded does: output o, which is within Bound_o of the program's integer, becomes
//
//	x'_o = grid_o round((step_o round(x_o / step_o) + step_o g_o) / grid_o)
//
// in the units of the program's integers. step_o is the power of two with Bound_o / step_o
// in [2^7, 2^8), grid_o is the one of Rounded, and g_o is an integer of the discrete
// Gaussian of standard deviation
//
//	sigma_o = 2^bits (ceil(Bound_o / step_o) + 1) > 2^bits Bound_o / step_o
//
// from a stream that the operating system seeds, so that nothing but an exact sum of
// integers sees both the answer and the noise. Labels, and whether they are decided, are
// those of flooded answers, with bounds that count noise in (probability of more: 2^-40
// an output): a label that stays decided is the label of the program's integers.
//
// What it protects: who sees the flooded answers to n samples of so many outputs, and the
// ciphertexts, and knows or chose the samples, learns of the errors, which depend on the
// secret key, what tells apart Gaussians whose centres differ by 2^-bits of their standard
// deviation, n outputs times; see FloodedSecurity. That holds while errors stay within
// Bound, for evaluations as the plan has them. It protects from nobody who makes
// ciphertexts that are no such evaluation, and every decryption of the same ciphertext
// counts: the mean of many is the answer again.
//
// It panics for bits outside 1..MaxFlood.
//
// Reference: Li, Micciancio, Schultz and Sorrell, "Securing Approximate Homomorphic
// Encryption Using Differential Privacy", CRYPTO 2022 (ia.cr/2022/816), section 4.
func (a Approximate) Flooded(out *bundle.Node, bits int) Approximate {
	s := sample.NewSystemStream()
	defer s.Close()
	return a.flooded(out, bits, s)
}

func (a Approximate) flooded(out *bundle.Node, bits int, s *sample.Stream) Approximate {
	if err := CheckFlooding("", false, bits); err != nil {
		panic(err)
	}
	n := len(a.Bound)
	f := Approximate{Bound: make([]float64, n), Usual: make([]float64, n)}
	step, sigma := make([]float64, n), make([]int64, n)
	for o, b := range a.Bound {
		step[o] = max(elementary.Exp2(math.Floor(elementary.Log2(b))-fineBits), smallest)
		sigma[o] = (int64(math.Ceil(b/step[o])) + 1) << bits
		noise := float64(step[o] * (float64(tail*float64(sigma[o])) + 0.5))
		f.Bound[o], f.Usual[o] = b+noise, a.Usual[o]+noise
	}
	for _, x := range a.Reals {
		row := make([]float64, n)
		for o := range row {
			row[o] = step[o] * float64(steps(x[o]/step[o])+s.DiscreteGaussian(sigma[o]))
		}
		f.Reals = append(f.Reals, row)
	}
	return f.rounded(out, a.grid())
}

// smallest is the smallest normal float64.
const smallest = 0x1p-1022

// steps is x as an integer. Magnitudes past 2^61, which no decryption of a right answer
// has, are that.
func steps(x float64) int64 {
	const most = 1 << 61
	return int64(math.RoundToEven(max(-most, min(most, x))))
}

// FloodedSecurity is the statistical security of flooded answers, in bits: who sees the
// answers to so many samples, with so many outputs each, under one key, has at most the
// advantage that this many bits of security leave,
//
//	2 bits - log2(12 samples outputs)
//
// which is sigma = sqrt(12 tau) 2^(s/2) t of the reference for s, with errors of
// t = Bound on each of tau = samples x outputs numbers. It is not positive where the noise
// proves nothing.
//
// Reference: as for Flooded; the constant is the one of OpenFHE's NOISE_FLOODING_DECRYPT,
// whose authors took it from there.
func FloodedSecurity(bits int, samples, outputs int64) float64 {
	return float64(2*bits) - elementary.Log2(12*float64(samples)*float64(outputs))
}
