package samples_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"qtool/datasets/samples"
)

// Every byte comes back from its print, in whatever way it is printed; what is none is
// refused with its place.
func TestNumbers(t *testing.T) {
	e := pixels(t, 1, 16, 16)
	var every [256]byte
	for b := range every {
		every[b] = byte(b)
	}
	want, err := e.Encode(every[:])
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"%.4f ", "%g,", "%.18e\t", "%.6f, "} {
		var line strings.Builder
		for b := range every {
			fmt.Fprintf(&line, format, float64(b)/255)
		}
		s, err := samples.Numbers("x", strings.NewReader(line.String()+"\r\n"+line.String()), e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := all(s)
		if err != nil || len(got) != 2 || !slices.Equal(got[0], want) || !slices.Equal(got[1], want) {
			t.Errorf("%q: %d pictures, %v", format, len(got), err)
		}
	}
	good := strings.Repeat("0 ", 256)
	for text, wanted := range map[string]string{
		good + "\n" + good + "0\n":        "x: image 1: the line has 257 numbers",
		"0.5 " + good[2:]:                 `number 0 is "0.5"`,
		good[:510] + " 1.01":              "number 255",
		good[:510] + " -0.004":            "number 255",
		good[:510] + " NaN":               "number 255",
		good[:510] + " seven":             "number 255",
		"\n" + good:                       "image 0: the line has 0 numbers",
		strings.Repeat("0", 1<<20) + "\n": "too long",
	} {
		s, err := samples.Numbers("x", strings.NewReader(text), e)
		if err == nil {
			_, err = all(s)
		}
		if err == nil || !strings.Contains(err.Error(), wanted) {
			t.Errorf("%.20q: %v, want %s", text, err, wanted)
		}
	}
	if _, err := samples.Numbers("x", strings.NewReader(""), sentences()); err == nil {
		t.Error("numbers for sentences")
	}
}
