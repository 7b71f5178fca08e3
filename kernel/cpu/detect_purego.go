//go:build purego

package cpu

// holder is what has a level.
const holder = "this program, built with the tag purego,"

func detect() Level { return Portable }
