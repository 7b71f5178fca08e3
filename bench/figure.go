package bench

import "slices"

// Kind says what a figure is of.
type Kind string

// The kinds of figures, in the order in which they are measured.
const (
	Peak     Kind = "peak"     // what the machine does at most, one core
	Kernel   Kind = "kernel"   // one core
	Training Kind = "training" // an epoch
	Batch    Kind = "batch"    // images encrypted, evaluated and decrypted
	Image    Kind = "image"    // one image in packed ciphertexts
	Lookup   Kind = "look-up"  // one table look-up
)

// Bound is what limits a kernel at most.
type Bound string

// The bounds that kernels are held against.
const (
	FloatPeak   Bound = "float"  // separate products and sums of float32
	IntegerPeak Bound = "64-bit" // multiply-accumulates of 64-bit words
	MemoryPeak  Bound = "memory" // bytes read and written
)

// Task is one thing to measure, in each process.
type Task struct {
	Kind   Kind   `json:"kind"`
	Recipe string `json:"recipe,omitempty"`
	Name   string `json:"name"`
	Unit   string `json:"unit"`
	// Rate: larger is better. Otherwise the figure is a time.
	Rate bool `json:"rate"`
	// Bound is what PeakShare is of; "" of nothing. In the figure's unit a
	// bound's measured peak has to be divided by PerUnit.
	Bound Bound `json:"bound,omitempty"`
}

// Sample is a task's rounds in one process.
type Sample struct {
	Median float64   `json:"median"`
	Spread float64   `json:"spread"` // (largest - smallest) / median
	Rounds []float64 `json:"rounds"`
	Note   string    `json:"note,omitempty"`
}

func newSample(rounds []float64, note string) *Sample {
	s := slices.Sorted(slices.Values(rounds))
	n := len(s)
	m := (s[(n-1)/2] + s[n/2]) / 2
	return &Sample{Median: m, Spread: (s[n-1] - s[0]) / m, Rounds: rounds, Note: note}
}

// Figure is what came out of a task.
type Figure struct {
	Task
	// Active is with the kernels in use; nil where Skipped says why there is none.
	Active  *Sample `json:"active,omitempty"`
	Skipped string  `json:"skipped,omitempty"`
	// Portable is with the portable twins; nil where they were left out.
	Portable *Sample `json:"portable,omitempty"`
	// Faster is how many times Active is as fast as Portable; 0 without it.
	Faster float64 `json:"faster,omitempty"`
	// PeakShare is the share of the bound's peak that was reached; 0 for none.
	PeakShare float64 `json:"peak_share,omitempty"`
}

// complete fills in what follows from the samples.
func (f *Figure) complete(peaks map[Bound]float64) {
	if f.Active == nil {
		return
	}
	if f.Portable != nil {
		f.Faster = f.Portable.Median / f.Active.Median
		if f.Rate {
			f.Faster = 1 / f.Faster
		}
	}
	if p := peaks[f.Bound]; p > 0 && f.Kind == Kernel {
		f.PeakShare = f.Active.Median / p
	}
}
