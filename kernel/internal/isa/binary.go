package isa

import (
	"debug/elf"
	"fmt"
)

// Functions are the machine codes of all functions in an ELF program, by symbol.
// Assembly has the symbol package.name.abi0 where Go calls it through a wrapper,
// else package.name.
func Functions(file string) (map[string][]byte, error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if f.Machine != elf.EM_X86_64 {
		return nil, fmt.Errorf("%s: machine code of %v, want amd64", file, f.Machine)
	}
	symbols, err := f.Symbols()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	sections := map[elf.SectionIndex][]byte{}
	all := map[string][]byte{}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) != elf.STT_FUNC || s.Size == 0 || int(s.Section) >= len(f.Sections) {
			continue
		}
		section := f.Sections[s.Section]
		text, ok := sections[s.Section]
		if !ok {
			if text, err = section.Data(); err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			sections[s.Section] = text
		}
		from := s.Value - section.Addr
		if from+s.Size > uint64(len(text)) || from+s.Size < from {
			return nil, fmt.Errorf("%s: function %s ends beyond section %s", file, s.Name, section.Name)
		}
		all[s.Name] = text[from : from+s.Size]
	}
	return all, nil
}
