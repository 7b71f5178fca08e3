package recipe

import (
	"strings"
	"testing"

	"qtool/configs"
)

// Texts that the YAML library takes long for are refused before it sees them; what
// is allowed is far above what recipes need.
func TestBounded(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{strings.Repeat("[", maxMarks+1), "line 1: more than 2048 brackets"},
		{strings.Repeat("{\n", maxMarks+1), "line 2049: more than 2048 brackets"},
		{strings.Repeat("- ", maxMarks+1), "line 1: more than 2048 brackets"},
		{strings.Repeat("? ", maxMarks+1), "line 1: more than 2048 brackets"},
		{strings.Repeat("a:\n", maxMarks+1), "line 2049: more than 2048 brackets"},
		{strings.Repeat("#\n", maxLines), "line 4097: more than 4096 lines"},
		{strings.Repeat("x", MaxBytes+1), "65537 bytes pass the limit of 65536"},
		{"a: \xff", "not UTF-8"},
		{strings.Repeat("[", maxMarks), ""},
		{strings.Repeat("#\n", maxLines-1), ""},
		{strings.Repeat("a-b:c?d", 1000), ""},
	} {
		if err := bounded([]byte(c.text)); c.want != "" {
			wantError(t, c.text[:min(len(c.text), 20)], err, c.want)
		} else if err != nil {
			t.Errorf("%.20q: %v", c.text, err)
		}
	}
	for _, name := range Names() {
		b, err := configs.Files.ReadFile(name + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		if err := bounded([]byte(strings.Repeat(string(b), 5))); err != nil {
			t.Errorf("five times %s: %v", name, err)
		}
	}
}

// An override cannot name a value many times over: written out again, a few of
// these would be as many as fit in memory.
func TestOverrideHasNoAliases(t *testing.T) {
	const nested = "about={a: &a [1,1], b: &b [*a,*a], c: [*b,*b]}"
	_, err := override(parse(t, minimal), []string{nested})
	wantError(t, nested, err, "anchors and aliases")
	if r, err := override(parse(t, minimal), []string{"about=3 * 4"}); err != nil || r.About != "3 * 4" {
		t.Errorf("a star: %v, %v", r, err)
	}
}
