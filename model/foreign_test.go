package model

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"qtool/internal/safetensors"
)

func foreign(name string, v float32, shape ...int) safetensors.Foreign {
	t := safetensors.Foreign{Name: name, DType: "F32", Shape: shape}
	for range size(shape) {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(v))
	}
	return t
}

func TestImport(t *testing.T) {
	n := &Network{Input: []int{3}, Layers: []Layer{
		{Type: Dense, Name: "fc1", Units: 2}, {Type: BatchNorm, Name: "norm"}, {Type: Square, Name: "s"}, {Type: Dense, Name: "fc2", Units: 4},
	}}
	file := []safetensors.Foreign{
		foreign("head.bias", 1, 4), foreign("head.weight", 2, 4, 2), foreign("body.0.bias", 3, 2), foreign("body.0.weight", 4, 2, 3),
		foreign("norm.bias", 5, 2), foreign("norm.weight", 6, 2), foreign("norm.running_mean", 7, 2), foreign("norm.running_var", 8, 2),
		{Name: "norm.num_batches_tracked", DType: "I64", Data: make([]byte, 8)},
	}
	renames := map[string]string{"body.0": "fc1", "head.weight": "fc2.weight", "head": "fc2"}
	p, err := n.Import(file, renames)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]float32{"fc1.weight": 4, "fc1.bias": 3, "fc2.weight": 2, "fc2.bias": 1, "norm.mean": 7, "norm.variance": 8, "norm.weight": 6} {
		if got := p.Get(name)[0]; got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	edit := func(i int, f safetensors.Foreign) []safetensors.Foreign {
		c := append([]safetensors.Foreign{}, file...)
		c[i] = f
		return c
	}
	for _, c := range []struct {
		file    []safetensors.Foreign
		renames map[string]string
		want    string
	}{
		{file, map[string]string{"body.0": "fc1"}, "the file lacks fc2.weight [4 2], fc2.bias [4]; it has head.bias [4], head.weight [4 2]"},
		{append(file[:9:9], foreign("more", 1, 1)), renames, "the network has no place for more [1]"},
		{file, map[string]string{"body.0": "fc1", "head": "fc2", "tail": "x"}, "map tail=x: the file has no such tensor: it has head.bias [4]"},
		{append(file[:9:9], foreign("fc1.bias", 1, 2)), renames, `tensors "body.0.bias" and "fc1.bias" both become "fc1.bias"`},
		{edit(3, foreign("body.0.weight", 1, 3, 2)), renames, `tensor "body.0.weight" has shape [3 2], the network's "fc1.weight" has [2 3]: it is transposed`},
		{edit(3, foreign("body.0.weight", 1, 2, 5)), renames, `has shape [2 5], the network's "fc1.weight" has [2 3]`},
		{edit(2, foreign("body.0.bias", float32(math.NaN()), 2)), renames, `tensor "fc1.bias": element 0 is NaN, not finite`},
		{edit(7, foreign("norm.running_var", -1, 2)), renames, "negative"},
		{edit(2, safetensors.Foreign{Name: "body.0.bias", DType: "I64", Shape: []int{2}, Data: make([]byte, 16)}), renames, `tensor "body.0.bias": its type is I64`},
	} {
		if _, err := n.Import(c.file, c.renames); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want an error with %q", err, c.want)
		}
	}
}
