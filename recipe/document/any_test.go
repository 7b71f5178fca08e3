package document

import (
	"reflect"
	"strings"
	"testing"
)

// forms takes any value that has a form of its own.
type forms struct {
	Value any `yaml:"value"`
}

func TestAnyValue(t *testing.T) {
	for text, want := range map[string]any{
		"3": int64(3), "-3": int64(-3), "0x10": int64(16), "2.5": 2.5, "same": "same", `"3"`: "3", "true": "true",
		"[1, 2]": []any{int64(1), int64(2)}, "[a, [b]]": []any{"a", []any{"b"}},
	} {
		n, err := Parse([]byte("value: " + text))
		if err != nil {
			t.Fatal(err)
		}
		var got forms
		if err := n.Decode(&got); err != nil || !reflect.DeepEqual(got.Value, want) {
			t.Errorf("%s is %#v, %v, want %#v", text, got.Value, err, want)
		}
	}
	for text, want := range map[string]string{
		"{a: 1}": "is neither a value nor a list of values", "": "leave the key out", "null": "leave the key out",
		"012": "a leading zero", "1_000": "without separators", "99999999999999999999": "is out of range",
	} {
		n, err := Parse([]byte("value: " + text))
		if err != nil {
			t.Fatal(err)
		}
		if err := n.Decode(&forms{}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "value") {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
}
