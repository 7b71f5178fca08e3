package isa

import (
	_ "embed"
	"strings"

	"qtool/kernel/cpu"
)

//go:embed mnemonics.txt
var mnemonicText string

// mnemonics has the first level of every known mnemonic of Go's assembler.
var mnemonics = parseMnemonics(mnemonicText)

func parseMnemonics(text string) map[string]cpu.Level {
	all := map[string]cpu.Level{}
	level := cpu.Portable
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, word := range strings.Fields(line) {
			if name, ok := strings.CutSuffix(word, ":"); ok {
				level = levelNamed(name)
				continue
			}
			all[word] = level
		}
	}
	return all
}

// levelNamed is a level by the name that QTOOL_CPU takes. It panics if the name is
// unknown: names come from tables of this package.
func levelNamed(name string) cpu.Level {
	for l := cpu.Portable; l <= cpu.IFMA; l++ {
		if l.String() == name {
			return l
		}
	}
	panic("isa: level " + name + " is unknown")
}
