//go:build !purego

package peak

import "qtool/kernel/cpu"

// spinner is a level's loop, and how many words a round of it takes.
func spinner(level cpu.Level) (spin func(rounds uint64), words int) {
	switch level {
	case cpu.IFMA:
		return spinIFMA, 16 * 8
	case cpu.AVX512:
		return spinAVX512, 16 * 8
	case cpu.AVX2:
		return spinAVX2, 8 * 4
	}
	return nil, 0
}
