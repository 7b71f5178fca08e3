package recipe

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

const colour = `name: colour
data: {name: "idx:pictures"}
encoder: {mean: [0.4914, 0.4822, 0.4465], std: [0.25]}
network:
  input: [3, 4, 4]
  layers:
    - {name: flatten, type: flatten}
    - {name: fc, type: dense, units: 4}
`

func TestEncoder(t *testing.T) {
	r := parse(t, colour)
	e, err := r.Pixels()
	if err != nil {
		t.Fatal(err)
	}
	if mean, std := e.Mean(), e.Std(); !slices.Equal(mean, []float32{0.4914, 0.4822, 0.4465}) || !slices.Equal(std, []float32{0.25, 0.25, 0.25}) {
		t.Errorf("mean %v, std %v", mean, std)
	}
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := parse(t, string(b)).Encode(); err != nil || !bytes.Equal(again, b) {
		t.Errorf("read back: %s, %v", again, err)
	}
	for _, set := range []string{"encoder.mean=[0.5]", "encoder.std.0=0.5", "encoder.mean.2=0", "encoder={std: [0.5, 0.5, 0.5]}"} {
		changed, err := override(r, []string{set})
		if err != nil {
			t.Errorf("%s: %v", set, err)
			continue
		}
		other, err := changed.Pixels()
		if err != nil || slices.Equal(other.Mean(), e.Mean()) && slices.Equal(other.Std(), e.Std()) {
			t.Errorf("%s: it changes nothing, %v", set, err)
		}
	}
	plain, err := override(r, []string{"encoder=null"})
	if err != nil {
		t.Fatal(err)
	}
	if b, err := plain.Encode(); err != nil || bytes.Contains(b, []byte("encoder")) {
		t.Errorf("without an encoder, the recipe has\n%s, %v", b, err)
	}
	begun, err := override(plain, []string{"encoder.mean=[0.1307]", "encoder.std=[0.3081]"})
	if err != nil || begun.Encoder == nil || !slices.Equal(begun.Encoder.Std, []float32{0.3081}) {
		t.Errorf("an encoder begun by overrides: %+v, %v", begun, err)
	}
}

func TestEncoderErrors(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"mean: [0.4914, 0.4822, 0.4465]", "mean: [0.4914, 0.4822]", "[3:11] encoder.mean: 2 numbers for the 3 channels of shape [3 4 4]"},
		{"std: [0.25]", "std: [0.25, 0, 0.25]", "encoder.std.1: 0 is outside 1e-06..1, where 1 is the largest byte"},
		{"std: [0.25]", "std: [.nan]", "encoder.std.0: NaN is outside"},
		{"0.4914", "125.3", "encoder.mean.0: 125.3 is outside 0..1, where 1 is the largest byte"},
		{"std: [0.25]", "std: 0.25", "encoder.std"},
		{"std: [0.25]", "std: [a]", "encoder.std.0: "},
		{"mean: [0.4914, 0.4822, 0.4465], std: [0.25]", "mean: []", "encoder: it says nothing: give mean or std, or leave it out"},
		{"std: [0.25]", "deviation: [0.25]", `encoder.deviation: unknown field "deviation": want one of mean, std`},
	} {
		if !strings.Contains(colour, c.from) {
			t.Fatalf("no %q", c.from)
		}
		_, err := Parse([]byte(strings.Replace(colour, c.from, c.to, 1)))
		wantError(t, c.to, err, c.want)
	}
}
