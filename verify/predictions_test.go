package verify

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPredictionsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		classes := rapid.SampledFrom([]int{10, 36, 37, 1000}).Draw(t, "classes")
		want := Predictions(rapid.SliceOfN(rapid.IntRange(0, classes-1), 0, 230).Draw(t, "predictions"))
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		var got Predictions
		if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%v, %v, want %v", got, err, want)
		}
	})
}

func TestPredictionsJSON(t *testing.T) {
	for _, c := range []struct {
		p    Predictions
		want string
	}{
		{nil, "null"},
		{Predictions{}, "[]"},
		{Predictions{0, 9, 10, 35}, `["09az"]`},
		{Predictions{0, 36}, "[0,36]"},
		{make(Predictions, 101), `["` + strings.Repeat("0", 100) + `","0"]`},
	} {
		if b, err := json.Marshal(c.p); err != nil || string(b) != c.want {
			t.Errorf("%v is %s, %v, want %s", c.p, b, err, c.want)
		}
	}
	for _, text := range []string{`["-"]`, `["0 1"]`, `{}`, `3`, `[1.5]`} {
		var p Predictions
		if err := json.Unmarshal([]byte(text), &p); err == nil {
			t.Errorf("%s reads as %v", text, p)
		}
	}
}
