package cpu

import (
	"strings"
	"testing"
)

func TestAmong(t *testing.T) {
	for _, c := range []struct {
		have      Level
		value     string
		otherwise Level
		want      Level
		fault     string
	}{
		{IFMA, "", IFMA, IFMA, ""},
		{IFMA, "", Portable, Portable, ""},
		{IFMA, "portable", IFMA, Portable, ""},
		{IFMA, "avx2", IFMA, AVX2, ""},
		{AVX512, "avx512", Portable, AVX512, ""},
		{Portable, "", Portable, Portable, ""},
		{AVX2, "ifma", AVX2, Portable, "X=ifma: " + holder + " has avx2 at most"},
		{Portable, "avx2", Portable, Portable, "X=avx2: " + holder + " has portable at most"},
		{IFMA, "AVX2", IFMA, Portable, `X="AVX2" is unknown: want portable, avx2, avx512 or ifma`},
		{IFMA, " avx2", IFMA, Portable, `X=" avx2" is unknown`},
	} {
		got, err := among(c.have, "X", c.value, c.otherwise)
		if got != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("among(%v, %q) = %v, %v; want %v, %q", c.have, c.value, got, err, c.want, c.fault)
		}
	}
}
