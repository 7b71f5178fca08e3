//go:build !amd64 && !purego

package cpu

// holder is what has a level.
const holder = "this processor"

func detect() Level { return Portable }
