package recipe

import (
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// Texts that YAML could take for something else come back as they were.
func TestTextRoundTrip(t *testing.T) {
	text := rapid.OneOf(
		rapid.SampledFrom([]string{
			"", " ", "a ", " a", "null", "~", "true", "no", "3", "1e3", "0x1", ".nan", "-", "- a", "a: b", "a #b", "#", "{a}", "[a", "*a", "&a", "!a",
			"|", ">", "%", "@", "`", "'", "\"", "''", "\\", "a\nb", "a\n", "\n", "\na", "a\n\nb", "a\n b", " a\nb", "\t", "a\tb", "2001-01-01", "é", "\u2028", "? a", "a:", ":a", "---", "...", "<<", "=",
		}),
		rapid.StringMatching(`[ -~\n]{0,12}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		r := parse(t, minimal)
		r.About = text.Draw(t, "about")
		r.Reproduces = text.Draw(t, "reproduces")
		roundTrip(t, r)
		seed2, err := override(r, []string{"seed=2"})
		if err != nil {
			t.Fatal(err)
		}
		if r.Seed = 2; !reflect.DeepEqual(seed2, r) {
			t.Fatalf("an override of the seed made %+v of %+v", seed2, r)
		}
	})
}
