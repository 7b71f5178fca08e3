//go:build !amd64

package peak

import "qtool/kernel/cpu"

func spinner(cpu.Level) (spin func(rounds uint64), words int) { return nil, 0 }
