package bench_test

import (
	"slices"
	"testing"

	"qtool/bench"
	"qtool/bench/committed"
)

// A committed figure of a kernel that has another name by now would never be compared: it
// must be renewed.
func TestCommittedKernelsAreMeasured(t *testing.T) {
	for _, class := range committed.Classes() {
		r, err := committed.Of(class)
		if err != nil {
			t.Fatal(err)
		}
		kernels := 0
		for _, f := range r.Figures {
			if f.Kind != bench.Kernel && f.Kind != bench.Peak {
				continue
			}
			kernels++
			if !slices.Contains(bench.KernelTasks(), f.Task) {
				t.Errorf("%s: %+v is measured no more: renew the file", class, f.Task)
			}
		}
		if kernels == 0 {
			t.Errorf("%s has no kernels", class)
		}
	}
}
