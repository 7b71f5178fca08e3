package document

import (
	"fmt"
	"strings"
	"testing"
)

// shape is a struct with a field of every kind.
type shape struct {
	Int   int              `yaml:"int"`
	Count uint64           `yaml:"count"`
	Rate  float64          `yaml:"rate"`
	On    bool             `yaml:"on"`
	Name  string           `yaml:"name"`
	List  []int            `yaml:"list"`
	Items []inner          `yaml:"items"`
	Sub   inner            `yaml:"sub"`
	May   *inner           `yaml:"may"`
	Table map[string]inner `yaml:"table"`
	inner `yaml:",inline"`
	Left  int `yaml:"-"`
}

type inner struct {
	Name  string `yaml:"label"`
	Units int    `yaml:"units"`
}

func decode(text string) (s shape, err error) {
	s.Int = 7 // a default
	n, err := Parse([]byte(text))
	if err == nil {
		err = n.Decode(&s)
	}
	return s, err
}

func TestDecode(t *testing.T) {
	s, err := decode("\ufeffcount: 18446744073709551615\r\nrate: 1e-3\r\non: true\r\nname: no\r\nlist: [1, -2, 0x10]\r\n" +
		"items:\r\n  - {label: a, units: 3}\r\n  - label: 007\r\nsub: {units: 2}\r\nmay: {}\r\ntable: {x: {units: 1}}\r\nlabel: 1:30\r\nunits: +5\r\n")
	if err != nil {
		t.Fatal(err)
	}
	want := `{7 18446744073709551615 0.001 true no [1 -2 16] [{a 3} {007 0}] { 2} map[x:{ 1}] {1:30 5} 0}`
	may := s.May
	if may == nil || *may != (inner{}) {
		t.Errorf("may %v", may)
	}
	got := fmt.Sprint(struct {
		a int
		b uint64
		c float64
		d bool
		e string
		f []int
		g []inner
		h inner
		i map[string]inner
		j inner
		k int
	}{s.Int, s.Count, s.Rate, s.On, s.Name, s.List, s.Items, s.Sub, s.Table, s.inner, s.Left})
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// Every wrong type is told with its place, its path, its value and what is wanted,
// and in no words of Go or of the YAML library.
func TestDecodeErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"int: ten", `[1:6] int: "ten" is not an integer: want a whole number`},
		{`int: "100"`, `[1:6] int: "100" is a text: want a whole number, without quotes`},
		{"int: 1.0", "[1:6] int: 1.0 is not an integer: want a whole number, written with digits alone"},
		{"int: 1e3", "int: 1e3 is not an integer"},
		{"int: 010", `int: "010" is not an integer: a leading zero makes it octal for some readers`},
		{"int: 1_000", `int: "1_000" is not an integer: write the digits without separators: 1000`},
		{"int: 1:30", "base 60"}, {"rate: 190:20:30.15", "base 60"},
		{"int: 5px", `int: "5px" is not an integer: a number has no unit`}, {"rate: 50%", "a number has no unit"},
		{"int:", "[1:1] int: it is empty: want a whole number"}, {"int: ~", "int: it is ~ (nothing)"},
		{"int: [1]", "int: a list of 1 is not an integer"}, {"int: {a: 1}", "int: a section (keys with values) is not an integer"},
		{"int: true", `int: "true" is not an integer`}, {"int: 99999999999999999999", "[1:6] int: 99999999999999999999 is out of range"},
		{"count: -1", "count: -1 is negative: want a whole number from 0 on"},
		{"rate: small", `[1:7] rate: "small" is not a number: want one, as in 0.001`},
		{"rate: 0,5", "write 0.5"}, {"rate: 1e999", "rate: 1e999 is out of range"}, {"rate: '0.5'", `rate: "0.5" is a text`},
		{"rate: 1.0.0", "is not a number"}, {"rate: [0.1]", "rate: a list of 1 is not a number"},
		{"on: yes", `on: "yes" means true or false only to some readers of YAML: write true`}, {"on: Off", "write false"},
		{"on: 1", "write true"}, {"on: 'true'", `on: "true" is a text`}, {"on: maybe", `on: "maybe" is neither true nor false`},
		{"on:", "[1:1] on: it is empty"}, {"on: [true]", "want true or false"},
		{"name: [a]", "name: a list of 1: want a text"}, {"name: {a: b}", "want a text"}, {"name: null", "name: null means nothing: want a text"},
		{"list: 28", `list: "28": want a list, as in [1, 28, 28]`}, {"list: {a: 1}", "want a list"},
		{"list: [1, x]", `[1:11] list.1: "x" is not an integer`}, {"list:", `list: empty: want a list`},
		{"items: [{label: a, units: b}]", `items.0.units: "b" is not an integer`},
		{"items: [3]", `items.0: "3": want a section, one of label, units`},
		{"sub: 3", `sub: "3": want a section, one of label, units`}, {"sub: [1]", "sub: a list of 1: want a section"},
		{"sub:\nint: 3", "[1:1] sub: the section is empty: leave the key out, or write {} for the defaults"},
		{"sub: ~", "want a section"}, {"may:\n", "[1:1] may: the section is empty"},
		{"sub:\n  units:3", `sub: "units:3": want a section: a blank is missing after the colon`},
		{"sub: {units:3}", `sub.units:3: unknown field "units:3": a blank is missing after the colon`},
		{"table: [1]", "table: a list of 1: want a section of names"}, {"table: {x: 1}", `table.x: "1": want a section`},
		{"sub: {Units: 3}", `[1:7] sub.Units: unknown field "Units": did you mean units?`},
		{"sub: {unit: 3}", "did you mean units?"}, {"sub: {nuits: 3}", "did you mean units?"},
		{"sub: {depth: 3}", `unknown field "depth": want one of label, units`}, {"Left: 3", `unknown field "Left"`}, {"'-': 3", "unknown field"},
		{"int: 3\nint: 4", "[2:1] int: the key stands twice: already defined in line 1"},
		{"sub: {units: 1, units: 1}", "the key stands twice"},
		{"int: 3\n---\nint: 4", "[2:1] more than one YAML document"}, {"a: b\n...\nc: d\n", "more than one YAML document"},
		{"sub:\n\tunits: 3", "[2] it is not YAML: a tab stands in the indentation: indent with blanks"},
		{"name: a: b", "[1] it is not YAML: a colon where no key can stand"},
		{"int: 3\nrate\n", "it is not YAML: a key without a colon"}, {"int: *x", "unknown anchor 'x'"},
		{"- a", "[1:1] the document is a list of 1: want keys with values"}, {"text", `the document is "text"`},
		{"", "it is empty"}, {"# nothing\n", "it is empty"}, {"---\n", "it is empty"}, {"int: !!binary aGk=", "tag !!binary is not known"}, {"int: !mine 3", "tag !mine is not known"},
		{"? [a]\n: 3", "a key is a list or has keys itself"}, {"sub: &a {x: *a}", "stands inside what it names"},
		{"\xff\xfen\x00a\x00", "saved as UTF-16: save as UTF-8"}, {"a: \xff", "line 1, byte 4: it is not UTF-8"},
		{"list: " + strings.Repeat("[", 60) + strings.Repeat("]", 60), "more than 50 levels of nesting"},
	} {
		_, err := decode(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want an error with %q", c.text, err, c.want)
			continue
		}
		for _, word := range []string{"yaml:", "unmarshal", "strconv", "uint64", "float64", "struct", "Go "} {
			if strings.Contains(err.Error(), word) {
				t.Errorf("%q: the error speaks of %q: %v", c.text, word, err)
			}
		}
	}
}

func TestMerge(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"sub: &a {label: x, units: 1}\nmay: {<<: *a, units: 2}", "{x 2}"}, // the explicit key wins
		{"sub: &a {label: x, units: 1}\nmay:\n  units: 2\n  <<: *a", "{x 2}"},
		{"sub: &a {label: x, units: 1}\nitems: [&b {<<: *a, units: 3}]\nmay: {<<: *b}", "{x 3}"}, // nested
		{"sub: &a {label: x, units: 1}\nitems: [&b {units: 5}]\nmay: {<<: [*b, *a]}", "{x 5}"},   // of several the first wins
		{"sub: &a {label: x, units: 1}\nitems: [&b {units: 5}]\nmay: {<<: [*b, *a], label: y}", "{y 5}"},
		{"may: {<<: {label: z}, units: 4}", "{z 4}"},
		{"sub: &a {label: x}\nitems: [&b {units: 5}]\nmay:\n  <<: *a\n  <<: *b", "{x 5}"},
	} {
		s, err := decode(c.text)
		if err != nil || s.May == nil || fmt.Sprint(*s.May) != c.want {
			t.Errorf("%q: %+v, %v, want %s", c.text, s.May, err, c.want)
		}
	}
	for _, c := range []struct{ text, want string }{
		{"may: {<<: 3}", `<<: "3" cannot be merged`}, {"sub: &a {label: x}\nmay: {<<: [*a, 3]}", "cannot be merged"},
		{"sub: &a {label: x}\nmay: {<<: *a, unit: 3}", "[2:15] may.unit: unknown field"},
		{"items: [&a {label: x, units: many}]\n", "[1:30] items.0.units"},
	} {
		if _, err := decode(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want an error with %q", c.text, err, c.want)
		}
	}
}

// Aliases that would unfold to more than fits memory are refused.
func TestAliasesAreBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n")
	for i := range 12 {
		fmt.Fprintf(&b, "a%d: &a%d [%s]\n", i+1, i+1, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i), 10), ", "))
	}
	if _, err := Parse([]byte(b.String())); err == nil || !strings.Contains(err.Error(), "more than 100000 values") {
		t.Errorf("%v", err)
	}
}

func TestLocate(t *testing.T) {
	n, err := Parse([]byte("network:\n  layers:\n    - {name: fc, kernel: 3}\n    - name: out\n      units: 2\ntrain:\n  epochs: 3\n  teacher: {}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for message, want := range map[string]string{
		"train.epochs: 3 is bad": "[7:11] ", "train.batch: 0": "[6:1] ", "train.teacher.weight: 0": "[8:3] ",
		`network: layer "out" (dense): units 2 are few`: "[5:14] ", `network: layer "fc": nothing`: "[3:7] ", "data.name: x": "", "it is empty": "",
	} {
		if got := n.Locate(message); got != want {
			t.Errorf("%s: %q, want %q", message, got, want)
		}
	}
}
