//go:build !linux

package bgv

func hugePages([]uint64) {}
