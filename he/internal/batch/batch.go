// Package batch is what the exact executors have in common that hold a sample a
// slot: how full their batches are, and how far decrypted outputs can be trusted.
package batch

import (
	"context"
	"fmt"
	"math"

	"qtool/internal/parallel"
)

// MinNoiseBits is how far below the wrap-around measured noise must stay. A phase
// that wrapped anywhere is all but uniform modulo Q at the end, so that its largest
// of N coefficients comes closer than this except with probability about 2^-N.
const MinNoiseBits = 1

// NoiseError says that a decrypted ciphertext's noise came so near to the limit
// that its plaintext can't be trusted.
type NoiseError struct {
	Package  string // the executor's
	Output   int
	BitsLeft float64
}

// Error names the package that speaks, the output and what was left.
func (e *NoiseError) Error() string {
	return fmt.Sprintf("%s: logit %d: noise budget is exhausted: %.2f bits left, want at least %d", e.Package, e.Output, e.BitsLeft, MinNoiseBits)
}

// Residues decrypts n outputs of so many slots. decrypt writes the residues of output i
// and returns how many bits its measured noise leaves; bitsLeft is the least of
// them. It returns a *NoiseError of the package speaker, and no residues, if that is
// less than MinNoiseBits. done is as in parallel.Run.
func Residues(ctx context.Context, speaker string, workers, n, slots int, decrypt func(worker, i int, slots []uint64) float64, done func()) (residues [][]uint64, bitsLeft float64, err error) {
	residues, bitsLeft = make([][]uint64, n), math.Inf(1)
	left := make([]float64, n)
	err = parallel.Run(ctx, workers, n, func(w, i int) error {
		residues[i] = make([]uint64, slots)
		if left[i] = decrypt(w, i, residues[i]); left[i] < MinNoiseBits {
			return &NoiseError{speaker, i, left[i]}
		}
		return nil
	}, done)
	if err != nil {
		return nil, 0, err
	}
	for _, b := range left {
		bitsLeft = min(bitsLeft, b)
	}
	return residues, bitsLeft, nil
}

// Mean is how many of so many samples a batch of so many slots holds on average; of
// 0 samples, which stand for as many as fill their batches, all slots.
func Mean(samples, slots int) float64 {
	if samples == 0 {
		return float64(slots)
	}
	batches := (samples + slots - 1) / slots
	return float64(samples) / float64(batches)
}
