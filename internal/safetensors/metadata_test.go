package safetensors

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDescription(t *testing.T) {
	type point struct{ X, Y int }
	f := &File{Tensors: []Tensor{FromFloat32("a", []int{2}, []float32{1, 2})}}
	if err := f.Describe(map[string]any{"point": point{1, 2}, "n": 3}); err != nil {
		t.Fatal(err)
	}
	f.Seal()
	if err := f.Describe(map[string]any{"f": func() {}}); err == nil || !strings.Contains(err.Error(), `metadata "f"`) {
		t.Errorf("a function: %v", err)
	}
	b, err := Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	if f, err = Decode(b, DefaultLimits); err != nil {
		t.Fatal(err)
	}
	if err := f.CheckSeal(); err != nil {
		t.Error(err)
	}
	var got point
	n, absent := 0, "as it was"
	if err := f.Description(map[string]any{"point": &got, "n": &n, "absent": &absent}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(point{1, 2}, got); diff != "" || n != 3 || absent != "as it was" {
		t.Errorf("%s, n %d, %q", diff, n, absent)
	}
	if err := f.Description(map[string]any{"point": &got}); err == nil || err.Error() != `unknown metadata key "n"` {
		t.Errorf("an unknown key: %v", err)
	}
	if err := f.Description(map[string]any{"point": &struct{ X int }{}, "n": &n}); err == nil || !strings.Contains(err.Error(), `metadata "point"`) {
		t.Errorf("an unknown field: %v", err)
	}
	f.Tensors[0].Data[0] ^= 1
	if err := f.CheckSeal(); err == nil || !strings.Contains(err.Error(), "altered or damaged") {
		t.Errorf("an altered value: %v", err)
	}
}
