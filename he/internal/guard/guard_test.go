package guard_test

import (
	"fmt"
	"strings"
	"testing"

	"qtool/he/internal/guard"
	"qtool/he/internal/guard/guardtest"
)

type key struct {
	guard.Secret[key]
	*hidden
}

type hidden struct{ *coefficients }

type coefficients struct {
	words []uint64
	small []int8
}

// No word is written with zeros and ones alone in any base: an address in binary,
// which %b prints, may have those digits.
var secrets = guardtest.Secrets{
	Words: [][]uint64{{
		123456789012345, 5, 998877665544332211, 3<<40 + 29, 5<<41 + 37, 7<<42 + 43, 9<<43 + 59, 11<<44 + 67, 13<<45 + 83,
	}},
	Small: [][]int8{{-1, 0, 1, 1, 0, -1, -1, 0, 1, 0, 0, 1, -1, 1, 0, 1, 1}},
}

func TestGuardedTypeIsHidden(t *testing.T) {
	guardtest.Hidden(t, &key{hidden: &hidden{&coefficients{secrets.Words[0], secrets.Small[0]}}}, secrets)
}

// The texts that the check looks for are what an unguarded value prints.
func TestUnguardedValueShows(t *testing.T) {
	open := coefficients{secrets.Words[0], secrets.Small[0]}
	for _, verb := range []string{"%v", "%+v", "%#v", "%d", "%x", "%X"} {
		text, words, small := fmt.Sprintf(verb, open), 0, 0
		for i, s := range secrets.Texts() {
			if strings.Contains(text, s) {
				if i < 24 {
					words++
				} else {
					small++
				}
			}
		}
		if words == 0 || small == 0 {
			t.Errorf("%s prints %q: %d residues and %d runs are found", verb, text, words, small)
		}
	}
}

// A secret one pointer away is shown by a verb that does not fit, and the check
// finds it.
func TestOnePointerIsNotEnough(t *testing.T) {
	holder := struct{ in *coefficients }{&coefficients{secrets.Words[0], secrets.Small[0]}}
	for _, verb := range []string{"%f", "%t"} {
		if text := fmt.Sprintf(verb, holder); !strings.Contains(text, secrets.Texts()[0]) {
			t.Errorf("%s prints %q: package fmt has changed", verb, text)
		}
	}
}
