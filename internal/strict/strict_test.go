package strict

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
)

type document struct {
	A int   `json:"a"`
	B []int `json:"b"`
}

func TestJSON(t *testing.T) {
	const good = `{"a": 1, "b": [2, 3]}`
	for _, behind := range []string{"", "\n", " \t\r\n"} {
		var v document
		if err := JSON([]byte(good+behind), &v); err != nil || v.A != 1 || len(v.B) != 2 {
			t.Errorf("%q behind: %+v, %v", behind, v, err)
		}
	}
	for _, behind := range []string{"}", "]", "x", "{}", " 1", "\x00", ",", "\n}"} {
		var v document
		if err := JSON([]byte(good+behind), &v); err == nil || !strings.Contains(err.Error(), "ends at byte 21") {
			t.Errorf("%q behind: %v", behind, err)
		}
	}
	for n := range good {
		var v document
		if err := JSON([]byte(good[:n]), &v); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	var v document
	if err := JSON([]byte(`{"c": 1}`), &v); err == nil || !strings.Contains(err.Error(), `unknown field "c"`) {
		t.Errorf("unknown key: %v", err)
	}
}

// What is accepted is what package json accepts.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a":1}`, `{"a":1}}`, `{"b":[1,2]} `, `null`, `[`, `{"a":1,"a":2}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v, w document
		if JSON(b, &v) == nil {
			if err := json.Unmarshal(b, &w); err != nil {
				t.Errorf("accepted, but package json says %v", err)
			}
		}
	})
}
