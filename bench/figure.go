package bench

import "slices"

// Kind says what a figure is of.
type Kind string

// The kinds of figures, in the order in which they are measured.
const (
	Peak     Kind = "peak"     // what the machine does at most, one core
	Kernel   Kind = "kernel"   // one core
	Training Kind = "training" // an epoch
	Batch    Kind = "batch"    // images or sentences encrypted, evaluated and decrypted
	Image    Kind = "image"    // one of them
	Lookup   Kind = "look-up"  // one table look-up, or all that an input takes
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
	// Long: a round takes half a minute or more, so that there is one.
	Long bool `json:"long,omitempty"`
	// Bound is what PeakShare is of; "" of nothing. In the figure's unit a
	// bound's measured peak has to be divided by PerUnit.
	Bound Bound `json:"bound,omitempty"`
}

// Sample is a task's rounds in one process.
type Sample struct {
	Median float64   `json:"median"`
	Spread float64   `json:"spread"` // (largest - smallest) / median
	Rounds []float64 `json:"rounds"`
	// CPU is the median by processor time of all cores instead of the wall's, which
	// other work disturbs less; 0 where it is not known.
	CPU  float64 `json:"cpu,omitempty"`
	Note string  `json:"note,omitempty"`
}

func newSample(rounds, cpu []float64, note string) *Sample {
	m := median(rounds)
	return &Sample{Median: m, Spread: (slices.Max(rounds) - slices.Min(rounds)) / m, Rounds: rounds, CPU: median(cpu), Note: note}
}

// median is 0 of nothing.
func median(x []float64) float64 {
	n := len(x)
	if n == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(x))
	return (s[(n-1)/2] + s[n/2]) / 2
}

// Figure is what came out of a task.
type Figure struct {
	Task
	// Active is with the kernels in use; nil where Skipped says why there is none.
	Active  *Sample `json:"active,omitempty"`
	Skipped string  `json:"skipped,omitempty"`
	// Portable is with the portable twins; nil where they were left out, for which
	// LeftOut has the reason if it is not that they were not asked for.
	Portable *Sample `json:"portable,omitempty"`
	LeftOut  string  `json:"portable_left_out,omitempty"`
	// Faster is how many times Active is as fast as Portable; 0 without it.
	Faster float64 `json:"faster,omitempty"`
	// FasterCPU is the same by processor time.
	FasterCPU float64 `json:"faster_cpu,omitempty"`
	// PeakShare is the share of the bound's peak that was reached; 0 for none.
	PeakShare float64 `json:"peak_share,omitempty"`
	// Committed is the figure of the same class of processors; nil where it was not
	// asked for or there is none. See Result.Compare.
	Committed *Reference `json:"committed,omitempty"`
}

// complete fills in what follows from the samples.
func (f *Figure) complete(peaks map[Bound]float64) {
	if f.Active == nil {
		return
	}
	if f.Portable != nil {
		f.Faster = f.faster(f.Active.Median, f.Portable.Median)
		if f.Active.CPU > 0 && f.Portable.CPU > 0 {
			f.FasterCPU = f.faster(f.Active.CPU, f.Portable.CPU)
		}
	}
	if p := peaks[f.Bound]; p > 0 && f.Kind == Kernel {
		f.PeakShare = f.Active.Median / p
	}
}

// faster is how many times active is as fast as portable.
func (t Task) faster(active, portable float64) float64 {
	if t.Rate {
		return active / portable
	}
	return portable / active
}
