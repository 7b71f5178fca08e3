package train

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	G "gorgonia.org/gorgonia"
	"gorgonia.org/tensor"
)

// parameter is a gorgonia.ValueGrad of a test.
type parameter struct{ value, grad *tensor.Dense }

func newParameter(value, grad []float32) *parameter {
	dense := func(v []float32) *tensor.Dense { return tensor.New(tensor.WithShape(len(v)), tensor.WithBacking(v)) }
	return &parameter{dense(value), dense(grad)}
}

func (p *parameter) Value() G.Value         { return p.value }
func (p *parameter) Grad() (G.Value, error) { return p.grad, nil }

// The vector is torch.optim.Adam's in float64 (PyTorch 1.13); see
// op/testdata/conv.py.
func TestAdamVector(t *testing.T) {
	b, err := os.ReadFile("op/testdata/conv.json")
	if err != nil {
		t.Fatal(err)
	}
	type array struct {
		Shape []int
		Data  []float64
	}
	var file struct {
		Cases []struct {
			Op    string
			Attrs struct{ Lr, Beta1, Beta2, Eps float64 }
			// Other operations' arrays have other names.
			Inputs struct{ Param, Gradients array }
			Output array
		}
	}
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, c := range file.Cases {
		if c.Op != "adam" {
			continue
		}
		found = true
		a := NewAdam(c.Attrs.Lr, 0)
		if a.Beta1 != c.Attrs.Beta1 || a.Beta2 != c.Attrs.Beta2 || a.Epsilon != c.Attrs.Eps {
			t.Errorf("defaults %+v, the vector's %+v", a, c.Attrs)
		}
		n := len(c.Inputs.Param.Data)
		value, grad := narrow(c.Inputs.Param.Data), make([]float32, n)
		steps := len(c.Output.Data) / n
		for s := range steps {
			copy(grad, narrow(c.Inputs.Gradients.Data[s*n:(s+1)*n]))
			if err := a.Step([]G.ValueGrad{newParameter(value, grad)}); err != nil {
				t.Fatal(err)
			}
			for k, want := range c.Output.Data[s*n : (s+1)*n] {
				// A step rounds a parameter below 2 to 2^-24 and its own size,
				// about the rate, by some ten roundings of 2^-24.
				room := float64(s+1) * (0x1p-24 + 10*c.Attrs.Lr*0x1p-24)
				if math.Abs(float64(value[k])-want) > room {
					t.Errorf("step %d, element %d: %v, want %v", s+1, k, value[k], want)
				}
			}
		}
	}
	if !found {
		t.Fatal("no case of Adam")
	}
}

func narrow(v []float64) []float32 {
	n := make([]float32, len(v))
	for i, x := range v {
		n[i] = float32(x)
	}
	return n
}

// A clipped gradient (3, 4) is (0.6, 0.8) over both tensors: powers of two away,
// so the steps agree exactly.
func TestAdamClip(t *testing.T) {
	step := func(clip float64, grads ...float32) [][]float32 {
		a := NewAdam(0.1, clip)
		v := [][]float32{{1}, {2}}
		model := []G.ValueGrad{newParameter(v[0], grads[:1]), newParameter(v[1], grads[1:])}
		if err := a.Step(model); err != nil {
			t.Fatal(err)
		}
		return append(a.M, a.V...)
	}
	if got, want := step(2.5, 3, 4), step(0, 1.5, 2); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("clipped to half: moments %v, want %v", got, want)
	}
	if got, want := step(5, 3, 4), step(0, 3, 4); !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("clip at the norm: moments %v, want %v", got, want)
	}
}

func TestAdamRefusesGradients(t *testing.T) {
	for _, bad := range []float32{float32(math.NaN()), float32(math.Inf(1))} {
		a := NewAdam(0.1, 1)
		value := []float32{1, 2}
		if err := a.Step([]G.ValueGrad{newParameter(value, []float32{1, 1})}); err != nil {
			t.Fatal(err)
		}
		before, m := slices.Clone(value), slices.Clone(a.M[0])
		err := a.Step([]G.ValueGrad{newParameter(value, []float32{0.5, bad})})
		if err == nil || !strings.Contains(err.Error(), "at step 2: lower the learning rate") {
			t.Errorf("error %v for a gradient of %v", err, bad)
		}
		if a.Steps != 1 || !slices.Equal(value, before) || !slices.Equal(a.M[0], m) {
			t.Error("a refused step changed something")
		}
	}
}

// The last tensors take relative steps or none; the others, and the norm that
// clips, do not notice.
func TestAdamRelativeAndFrozen(t *testing.T) {
	grads := [][]float32{{3, -4}, {1}, {-2, 2}}
	run := func(relative, frozen int) [][]float32 {
		a := NewAdam(0.125, 1)
		a.Relative, a.Frozen = relative, frozen
		values := [][]float32{{1, 2}, {8}, {0.25, 1024}}
		for range 3 {
			var model []G.ValueGrad
			for i := range values {
				model = append(model, newParameter(values[i], slices.Clone(grads[i])))
			}
			if err := a.Step(model); err != nil {
				t.Fatal(err)
			}
		}
		return values
	}
	plain, relative, frozen, both := run(0, 0), run(1, 0), run(0, 1), run(1, 1)
	for i, v := range plain[:2] {
		if !slices.Equal(relative[i], v) || !slices.Equal(frozen[i], v) {
			t.Errorf("tensor %d is %v and %v beside relative and frozen ones, want %v", i, relative[i], frozen[i], v)
		}
	}
	// The gradient is the same at each step, so every step is the rate times its
	// sign, up to epsilon and float32's roundings.
	for k, start := range []float64{0.25, 1024} {
		want := start * math.Pow(1+0.125, 3)
		if k == 1 {
			want = start * math.Pow(1-0.125, 3)
		}
		if math.Abs(float64(relative[2][k])-want) > 1e-5*want {
			t.Errorf("a relative weight went from %v to %v, want %v", start, relative[2][k], want)
		}
	}
	if !slices.Equal(frozen[2], []float32{0.25, 1024}) {
		t.Errorf("frozen weights moved to %v", frozen[2])
	}
	// Relative counts those before the frozen ones.
	if !slices.Equal(both[2], []float32{0.25, 1024}) || !slices.Equal(both[0], plain[0]) || math.Abs(float64(both[1][0])-8*math.Pow(1-0.125, 3)) > 1e-4 {
		t.Errorf("one relative, one frozen: %v", both)
	}
}

// Decay takes a share of every weight before the step, and none of scales or of
// frozen tensors.
func TestAdamDecay(t *testing.T) {
	model := func() []*parameter {
		var m []*parameter
		for range 3 {
			m = append(m, newParameter([]float32{4, -2}, []float32{0, 1}))
		}
		return m
	}
	step := func(a *Adam, m []*parameter) {
		t.Helper()
		if err := a.Step([]G.ValueGrad{m[0], m[1], m[2]}); err != nil {
			t.Fatal(err)
		}
	}
	plain, decayed := model(), model()
	a, b := NewAdam(0.125, 0), NewAdam(0.125, 0)
	a.Relative, b.Relative, b.Decay = 1, 1, 2
	step(a, plain)
	step(b, decayed)
	for i := range plain {
		for k, w := range []float32{4, -2} {
			taken := w / 4
			if i == 2 {
				taken = 0 // a scale
			}
			got, want := decayed[i].value.Float32s()[k], plain[i].value.Float32s()[k]-taken
			if math.Abs(float64(got-want)) > 1e-6 {
				t.Errorf("tensor %d: %v, want %v", i, got, want)
			}
		}
	}
	frozen := model()
	b = NewAdam(0.125, 0)
	b.Decay, b.Frozen = 2, 1
	step(b, frozen)
	if got := frozen[2].value.Float32s(); got[0] != 4 || got[1] != -2 {
		t.Errorf("a frozen tensor is %v", got)
	}
}
