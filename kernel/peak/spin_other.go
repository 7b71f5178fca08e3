//go:build !amd64 || purego

package peak

import "qtool/kernel/cpu"

func spinner(cpu.Level) (spin func(rounds uint64), words int) { return nil, 0 }
