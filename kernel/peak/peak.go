// Package peak measures what the machine can do at most, for kernels to be held
// against. It takes some hundredths of a second; other work on the machine makes
// it less, so it takes the best of several tries.
package peak

import (
	"time"

	"qtool/kernel/cpu"
)

//go:generate go -C ../asm run ./mod -part peak -to ../peak/peak

const tries = 20

// best is the shortest time of some runs.
func best(f func()) time.Duration {
	least := time.Duration(1 << 62)
	for range tries {
		start := time.Now()
		f()
		least = min(least, time.Since(start))
	}
	return max(least, 1)
}

// MACs is how many multiply-accumulates of 64-bit words one core does a second
// in registers: by the 52-bit multiply-add, or by products of four quarters of a
// word, as the level has it. It is 0 for portable code, which
// has no such limit of its own, and for levels that the processor lacks.
func MACs(level cpu.Level) float64 {
	const rounds = 1 << 14
	if level > cpu.Detected {
		return 0
	}
	spin, lanes := spinner(level)
	if spin == nil {
		return 0
	}
	return float64(rounds*lanes) / best(func() { spin(rounds) }).Seconds()
}

// Bandwidth is how many bytes a second one core reads and as many again writes,
// copying memory that no cache holds.
func Bandwidth() float64 {
	const words = 8 << 20
	src, dst := make([]uint64, words), make([]uint64, words)
	for i := range src {
		src[i] = uint64(i)
	}
	copy(dst, src) // first touch
	return 8 * words / best(func() { copy(dst, src) }).Seconds()
}
