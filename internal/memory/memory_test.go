package memory

import (
	"runtime"
	"strings"
	"testing"
)

func TestInstalled(t *testing.T) {
	for text, want := range map[string]int64{
		"MemTotal:       24679128 kB\nMemFree:   1 kB\n": 24679128 << 10,
		"MemFree:  7 kB\nMemTotal: 8 kB":                 8 << 10,
		"":                                               0,
		"MemTotal: many kB":                              0,
		"MemTotal: -3 kB":                                0,
		"MemTotal: 9000000000000000 kB":                  0,
		"MemTotal: 99999999999999999999":                 0,
	} {
		if got := installed(strings.NewReader(text)); got != want {
			t.Errorf("%q has %d bytes, want %d", text, got, want)
		}
	}
}

func TestTotal(t *testing.T) {
	if got := Total(); runtime.GOOS == "linux" && got < 1<<20 || got < 0 {
		t.Errorf("%d bytes", got)
	}
}
