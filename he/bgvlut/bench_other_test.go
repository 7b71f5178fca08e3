//go:build !unix

package bgvlut

// cpuSeconds is not known here.
func cpuSeconds() float64 { return 0 }
