package bgvlut

import (
	"math"
	"math/big"

	"qtool/he"
	"qtool/he/internal/log2"
	"qtool/internal/elementary"
)

// layout is the unchecked arithmetic of a plan: ring, primes and levels.
type layout struct {
	logN    int
	t       uint64
	copies  int      // of every sample in the slots: 1 or 2
	q       []uint64 // the chain, the first dropped last
	special []uint64
	// drops[i][k] is how many primes level k+1 of round i's tables divides by.
	drops     [][]int
	digitBits float64 // the longest digit of key switching
	swap      []int   // primes of each digit of the key that swaps halves; nil without one
}

func (l *layout) logQ() float64  { return log2.Product(l.q) }
func (l *layout) logQP() float64 { return l.logQ() + log2.Product(l.special) }

// limbs is the number of primes of round i after so many levels of its tables.
func (l *layout) limbs(i, level int) int {
	n := len(l.q)
	for k := range l.drops {
		for step, d := range l.drops[k] {
			if k < i || k == i && step < level {
				n -= d
			}
		}
	}
	return n
}

// last is the number of primes of the outputs.
func (l *layout) last() int { return l.limbs(len(l.drops), 0) }

// dropped are the primes that level step (from 1) of round i divides by.
func (l *layout) dropped(i, step int) []uint64 { return l.q[l.limbs(i, step):l.limbs(i, step-1)] }

// divide is the level function of the layout's primes.
func (l *layout) divide(round, step int) float64 { return log2.Product(l.dropped(round, step)) }

// groups are the bits of each level of each round, and of the last modulus.
type groups struct {
	levels [][]float64
	last   float64
}

func (g groups) sum() float64 {
	sum := g.last
	for _, levels := range g.levels {
		for _, b := range levels {
			sum += b
		}
	}
	return sum
}

// demand is how many bits each level must divide by for the noise to stay at its
// rounding, how many the last modulus must have, and the least noises of what keys switch.
//
// A level is as long as the table with most noise there asks for. The tables of a round
// are followed twice: to find that, and with what was found.
func (m model) demand(stages []stage, all []tables) (g groups, least weakest) {
	g.levels = make([][]float64, rounds(stages))
	smallest := max(minPrimeBits, m.logN+4)
	noises, least := m.start(stages), strongest()
	for first, end := 0, 0; first < len(stages); first = end {
		round := stages[first].round
		for end < len(stages) && stages[end].round == round {
			end++
		}
		for i := first; i < end; i++ {
			m.stage(&stages[i], &all[i], noises, func(step int, e float64) float64 {
				if len(g.levels[round]) < step {
					g.levels[round] = append(g.levels[round], smallest)
				}
				at := &g.levels[round][step-1]
				*at = max(*at, math.Ceil(e-m.rounding()))
				return *at
			}, nil)
		}
		for i := first; i < end; i++ {
			least.take(m.stage(&stages[i], &all[i], noises, func(step int, _ float64) float64 { return g.levels[round][step-1] }, nil))
		}
	}
	// The primes are a little below powers of two.
	g.last = math.Ceil(m.required(noises[stages[len(stages)-1].to].total()) + 0.5)
	return g, least
}

// rounds is the number of rounds; the last one may have no tables.
func rounds(stages []stage) int { return stages[len(stages)-1].round + 1 }

// minPrimeBits bounds the primes of the chain from below, maxPrimeBits all of
// them from above.
const (
	minPrimeBits = 20
	maxPrimeBits = 60
)

// primesFor is into how many primes of at most width bits so many bits go, and the
// bits of each.
func primesFor(bits float64, width int) (count, each int) {
	count = max(1, int(math.Ceil(bits/float64(width))))
	return count, max(minPrimeBits, int(math.Ceil(bits/float64(count))))
}

// plaintextPrime is the smallest prime 1 modulo 2^(logN+1) above width; the
// products of scalars below it are taken in 32 bits.
func plaintextPrime(logN int, width *big.Int) (uint64, error) {
	step := uint64(1) << (logN + 1)
	if width.BitLen() <= maxPlaintextBits {
		for t := (width.Uint64()/step)*step + 1; t>>maxPlaintextBits == 0; t += step {
			if t > width.Uint64() && new(big.Int).SetUint64(t).ProbablyPrime(0) {
				return t, nil
			}
		}
	}
	return 0, he.Insufficient("bgvlut", "", "%d values need a plaintext prime of more than %d bits", width, maxPlaintextBits)
}

// maxPlaintextBits bounds T: its residues are the weights of lazy sums.
const maxPlaintextBits = 24

// digits are how many primes of the chain each digit of key switching has: as many as keep
// it below digitBits bits, or one.
func (l *layout) digits() []int {
	var all []int
	bits := 0.0
	for _, q := range l.q {
		b := elementary.Log2(float64(q))
		if len(all) == 0 || bits+b > l.digitBits {
			all, bits = append(all, 0), 0
		}
		all[len(all)-1]++
		bits += b
	}
	return all
}

// parameters are what a client needs of the layout.
func (l *layout) parameters() parameters {
	return parameters{LogN: l.logN, T: l.t, Copies: l.copies, Q: l.q, P: l.special, Digits: l.digits(), SwapDigits: l.swap, OutputPrimes: l.last()}
}

// swapLimbs is how many primes the key that swaps halves is for: as many as the first stage
// has that does, 0 if none does.
func (l *layout) swapLimbs(stages []stage, all []tables) int {
	n := 0
	for i := range stages {
		if all[i].swaps {
			n = max(n, l.limbs(stages[i].round, 0))
		}
	}
	return n
}

// swapDigits are the digits of that key: as few and as long as the noise allows of what it
// switches. They are nil if no digits are short enough.
func (l *layout) swapDigits(m model, n int, e float64) []int {
	for count := 1; count <= n; count++ {
		longest := log2.Product(l.special) + m.keyTolerance(e, count)
		digits, bits := []int{0}, 0.0
		for _, q := range l.q[:n] {
			b := elementary.Log2(float64(q))
			if bits > 0 && bits+b > longest {
				digits, bits = append(digits, 0), 0
			}
			if b > longest {
				return nil
			}
			digits[len(digits)-1]++
			bits += b
		}
		if len(digits) <= count {
			return digits
		}
	}
	return nil
}

// slots is how many samples a batch holds.
func (l *layout) slots() int { return 1 << l.logN / l.copies }
