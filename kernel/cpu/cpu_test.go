package cpu

import "testing"

func TestNarrow(t *testing.T) {
	for _, c := range []struct {
		have Level
		name string
		want Level
		ok   bool
	}{
		{IFMA, "", IFMA, true}, {IFMA, "portable", Portable, true}, {IFMA, "avx2", AVX2, true}, {AVX512, "avx512", AVX512, true},
		{AVX2, "ifma", Portable, false}, {IFMA, "AVX2", Portable, false}, {Portable, "", Portable, true},
	} {
		if got, err := narrow(c.have, c.name); got != c.want || (err == nil) != c.ok {
			t.Errorf("narrow(%v, %q) = %v, %v; want %v", c.have, c.name, got, err, c.want)
		}
	}
}
