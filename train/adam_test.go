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
