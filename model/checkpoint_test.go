package model

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtool/internal/edits"
	"qtool/internal/safetensors"
	"qtool/quant"
)

func checkpoint(t testing.TB) *Checkpoint {
	t.Helper()
	n := small()
	p, err := n.Initialise(7)
	if err != nil {
		t.Fatal(err)
	}
	return &Checkpoint{
		Network: n, Params: p,
		Quantizers: &Quantizers{
			Input: quant.Params{Scale: 0.25, Bits: 4},
			Weights: []WeightQuantizer{
				{Layer: "conv", Bits: 4, Scales: []float32{0.125, 0.0625}},
				{Layer: "fc", Bits: 3, Scales: []float32{0.5}},
			},
		},
		Provenance: Provenance{Recipe: "r", Seed: 7, Stage: "qat", Version: "<&>"},
	}
}

func encode(t testing.TB, c *Checkpoint) []byte {
	t.Helper()
	b, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCheckpointRoundTrip(t *testing.T) {
	float := checkpoint(t)
	float.Quantizers = nil
	for _, want := range []*Checkpoint{checkpoint(t), float} {
		b := encode(t, want)
		path := filepath.Join(t.TempDir(), "c.safetensors")
		if err := want.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		got, err := ReadCheckpoint(path)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("read back (-want +got):\n%s", d)
		}
		if !bytes.Equal(encode(t, got), b) {
			t.Error("encoded again, the bytes differ")
		}
	}
	if _, err := float.Quantized(); err == nil || !strings.Contains(err.Error(), `stage "qat") has no quantizers`) {
		t.Errorf("quantized without quantizers: %v", err)
	}
}

// reencodes wants an error, or a checkpoint whose encoding is b.
func reencodes(t testing.TB, b []byte) (accepted bool) {
	t.Helper()
	c, err := DecodeCheckpoint(b)
	if err != nil {
		if c != nil {
			t.Fatalf("a checkpoint beside error %v", err)
		}
		return false
	}
	if again := encode(t, c); !bytes.Equal(again, b) {
		d := cmp.Diff(b, again)
		t.Fatalf("accepted, but encodes otherwise (-read +encoded):\n%s", d)
	}
	return true
}

func TestCheckpointTruncated(t *testing.T) {
	b := encode(t, checkpoint(t))
	for n := range b {
		if _, err := DecodeCheckpoint(b[:n]); err == nil {
			t.Fatalf("accepted the first %d of %d bytes", n, len(b))
		}
	}
	if _, err := DecodeCheckpoint(append(b, 0)); err == nil {
		t.Error("accepted a trailing byte")
	}
}

func TestCheckpointChangedByte(t *testing.T) {
	b := encode(t, checkpoint(t))
	accepted := 0
	for i := range b {
		for _, flip := range []byte{0x01, 0x20, 0x80} { // 0x20 swaps the case of letters
			b[i] ^= flip
			if reencodes(t, b) {
				accepted++
			}
			b[i] ^= flip
		}
	}
	if accepted == 0 {
		t.Error("no change was accepted, not even of a weight")
	}
}

func TestCheckpointSchema(t *testing.T) {
	f, err := safetensors.Decode(encode(t, checkpoint(t)), safetensors.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		key, value string
		want       string
		version    bool
	}{
		{"schema", "2", `schema "2", this version reads 1`, true},
		{"schema", "", `schema ""`, true},
		{"future", "{}", `unknown metadata key "future"`, false},
		{"network", `{"input":[1,4,4],"layers":[],"depth":1}`, `unknown field "depth"`, false},
		{"network", f.Metadata["network"] + " ", "canonical", false},
		{"provenance", "{}", "canonical", false},
		{"quantizers", "null", "canonical", false},
		{"quantizers", `{"input":{"scale":1,"zero_point":0,"bits":4,"signed":false,"narrow_range":false},"weights":null}`, `layer "conv" (conv): it has no weight quantizer`, false},
	} {
		g := &safetensors.File{Metadata: map[string]string{}, Tensors: f.Tensors}
		for k, v := range f.Metadata {
			g.Metadata[k] = v
		}
		g.Metadata[c.key] = c.value
		b, err := safetensors.Encode(g)
		if err != nil {
			t.Fatal(err)
		}
		_, err = DecodeCheckpoint(b)
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrVersion) != c.version {
			t.Errorf("%s %q: error %v, want one with %q", c.key, c.value, err, c.want)
		}
	}
}

func TestCheckpointTensors(t *testing.T) {
	decode := func() *safetensors.File {
		f, err := safetensors.Decode(encode(t, checkpoint(t)), safetensors.DefaultLimits)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	extra := decode()
	extra.Tensors = append(extra.Tensors, safetensors.FromFloat32("x", []int{1}, []float32{1}))
	missing := decode()
	missing.Tensors = missing.Tensors[1:]
	doubles := decode()
	doubles.Tensors[0] = safetensors.FromFloat64(doubles.Tensors[0].Name, []int{2}, []float64{1, 2})
	shape := decode()
	shape.Tensors[0].Shape = []int{1, 2}
	for want, f := range map[string]*safetensors.File{
		"5 tensors, the network has 4":      extra,
		`tensor "conv.bias" is missing`:     missing,
		`dtype is F64`:                      doubles,
		`tensor "conv.bias" of shape [1 2]`: shape,
	} {
		f.Metadata["sha256"] = f.Sum()
		b, err := safetensors.Encode(f)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = DecodeCheckpoint(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// A bit of a weight that another one is as good as shows by the hash.
func TestAlteredWeight(t *testing.T) {
	b := encode(t, checkpoint(t))
	b[len(b)-4] ^= 1
	if _, err := DecodeCheckpoint(b); err == nil || !strings.Contains(err.Error(), "altered or damaged") {
		t.Errorf("error %v", err)
	}
}

func TestCheckpointFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadCheckpoint(filepath.Join(dir, "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	bad := checkpoint(t)
	bad.Params = bad.Params[1:]
	path := filepath.Join(dir, "bad")
	if err := bad.WriteFile(path); err == nil {
		t.Error("wrote a checkpoint without a tensor")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("a failed write left a file")
	}
}

func FuzzDecodeCheckpoint(f *testing.F) {
	quantized := checkpoint(f)
	plain := checkpoint(f)
	plain.Quantizers = nil
	edits.Fuzz(f, [][]byte{encode(f, quantized), encode(f, plain)}, edits.JSON, sealed, func(t *testing.T, b []byte) { reencodes(t, b) })
}

// sealed makes the checksum of a checkpoint's parts right, where they can be read.
func sealed(b []byte) []byte {
	file, err := safetensors.Decode(b, safetensors.DefaultLimits)
	if err != nil {
		return b
	}
	file.Seal()
	again, err := safetensors.Encode(file)
	if err != nil {
		return b
	}
	return again
}
