//go:build !unix

package bgvtable

// cpuSeconds is not known here.
func cpuSeconds() float64 { return 0 }
