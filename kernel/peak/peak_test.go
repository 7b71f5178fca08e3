package peak

import (
	"testing"

	"qtool/kernel/cpu"
	"qtool/kernel/cpu/cputest"
)

func TestMain(m *testing.M) { cputest.Main(m) }

func TestPeaksArePlausible(t *testing.T) {
	cputest.Levels(t, cpu.IFMA) // tells which the processor lacks
	for level := cpu.Portable; level <= cpu.IFMA; level++ {
		macs := MACs(level)
		t.Logf("%v: %.1f GMAC/s", level, macs/1e9)
		if known := level > cpu.Portable && level <= cpu.Detected; (macs > 0) != known || macs > 1e13 {
			t.Errorf("%v: %g multiply-accumulates a second", level, macs)
		}
	}
	if b := Bandwidth(); b < 1e6 || b > 1e13 {
		t.Errorf("%g bytes a second", b)
	} else {
		t.Logf("memory: %.1f GB/s", b/1e9)
	}
}
