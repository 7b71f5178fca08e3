package bundle

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"qtool/encode"
	"qtool/internal/safetensors"
)

func tinyFile(t testing.TB) *File {
	t.Helper()
	p := tinyProgram()
	g, err := MakeGolden(p, []Vec{
		{Small: []int64{0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{Small: []int64{-2, 13, 0, 5, -1, 7, 13, -2, 1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &File{Program: p, Golden: g, Provenance: Provenance{
		Recipe: "tiny", Dataset: "none", Seed: 1<<64 - 1, Versions: map[string]string{"qtool": "<0>", "go": "1"},
	}}
}

func encodeFile(t rapid.TB, f *File) []byte {
	t.Helper()
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// equal compares files by what they hold: a Range or Vec by its integers, encoders as
// they are written.
var equal = []cmp.Option{
	cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Encoder" }, cmp.Comparer(func(a, b encode.Encoder) bool {
		x, errX := (&File{Encoder: a}).encoderPart()
		y, errY := (&File{Encoder: b}).encoderPart()
		return errX == nil && errY == nil && bytes.Equal(x, y)
	})),
	cmp.Comparer(func(a, b Range) bool { return a.Equal(b) }),
	cmp.Comparer(func(a, b Vec) bool { return a.Equal(b) }),
	cmpopts.EquateEmpty(),
}

func TestFileRoundTrip(t *testing.T) {
	f := tinyFile(t)
	b := encodeFile(t, f)
	path := filepath.Join(t.TempDir(), "model.qb")
	if err := f.WriteFile(path); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(f, got, equal...); d != "" {
		t.Errorf("read back (-want +got):\n%s", d)
	}
	if !bytes.Equal(encodeFile(t, got), b) || !bytes.Equal(encodeFile(t, tinyFile(t)), b) {
		t.Error("the same file gives other bytes")
	}
}

func TestRandomFilesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := genProgram(t)
		for i := range p.Nodes { // weights of a file are of at most 16 bits
			if w, ok := p.Nodes[i].Op.(Weighted); ok {
				p.Nodes[i].Bits = 16
				weight, _, _ := w.parameters()
				for k, x := range weight {
					weight[k] = max(min(x, 1<<15-1), -(1<<15 - 1))
				}
			}
		}
		if err := p.Prove(); err != nil {
			t.Fatal(err)
		}
		for i := range p.Nodes {
			p.Nodes[i].Seen = p.Nodes[i].Range
		}
		f := &File{Program: p}
		if rapid.Bool().Draw(t, "golden") {
			var err error
			if f.Golden, err = MakeGolden(p, []Vec{genInput(t, p), genInput(t, p)}); err != nil {
				t.Fatal(err)
			}
		}
		b := encodeFile(t, f)
		got, err := Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(f, got, equal...); d != "" {
			t.Fatalf("read back (-want +got):\n%s", d)
		}
	})
}

func TestTruncated(t *testing.T) {
	b := encodeFile(t, tinyFile(t))
	for n := range b {
		if f, err := Decode(b[:n]); f != nil || !errors.Is(err, ErrAltered) {
			t.Fatalf("the first %d of %d bytes: %v", n, len(b), err)
		}
	}
	if _, err := Decode(append(b, 0)); !errors.Is(err, ErrAltered) {
		t.Errorf("a trailing byte: %v", err)
	}
	if _, err := Decode(append([]byte{0}, b...)); !errors.Is(err, ErrAltered) {
		t.Errorf("a leading byte: %v", err)
	}
}

func TestFlippedByte(t *testing.T) {
	b := encodeFile(t, tinyFile(t))
	step, flips := 1, []byte{0x01, 0x20, 0x80, 0xff}
	if testing.Short() {
		step = 7
	}
	for i := 0; i < len(b); i += step {
		for _, flip := range flips {
			b[i] ^= flip
			if f, err := Decode(b); f != nil || err == nil {
				t.Fatalf("accepted byte %d of %d changed by %#x", i, len(b), flip)
			}
			b[i] ^= flip
		}
	}
}

// parts are a file's parts, for a test to change.
func parts(t testing.TB, b []byte) map[string][]byte {
	t.Helper()
	m, err := unzipParts(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// seal zips the parts after setting the manifest's hashes to what they now are:
// what someone who alters a bundle on purpose would do.
func seal(t testing.TB, m map[string][]byte) []byte {
	t.Helper()
	var f manifest
	if err := json.Unmarshal(m[partManifest], &f); err != nil {
		t.Fatal(err)
	}
	f.SHA256 = map[string]string{partWeights: hash(m[partWeights]), partGolden: hash(m[partGolden])}
	text, err := json.MarshalIndent(f, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	m[partManifest] = append(text, '\n')
	b, err := zipParts(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func wantAltered(t *testing.T, what string, b []byte, want string) {
	t.Helper()
	f, err := Decode(b)
	if f != nil || !errors.Is(err, ErrAltered) || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: error %v, want one with %q", what, err, want)
	}
}

// editTensor rewrites one element of an integer tensor of a part.
func editTensor(t testing.TB, part []byte, name string, at int, add int64) []byte {
	t.Helper()
	f, err := safetensors.Decode(part, safetensors.DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	x, ok := f.Get(name)
	if !ok {
		t.Fatalf("no tensor %q", name)
	}
	v, err := x.Ints()
	if err != nil {
		t.Fatal(err)
	}
	v[at] += add
	*x = safetensors.FromInts(name, x.Shape, v)
	b, err := safetensors.Encode(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAlteredOnPurpose(t *testing.T) {
	whole := encodeFile(t, tinyFile(t))
	for _, c := range []struct {
		what, part, tensor string
		at                 int
		add                int64
		want               string
	}{
		{"a weight", partWeights, "conv.weight", 1, 1, `layer "conv": range [`},
		// Only the outer rows make the layer's range; the replay sees the rest.
		{"a weight whose row has another's range", partWeights, "fc.weight", 11, 1, `golden input 0, layer "fc", element 1`},
		{"a weight beyond its bits", partWeights, "conv.weight", 4, 1, `weight 4 is 8, outside the 4-bit grid -7..7`},
		{"a bias", partWeights, "fc.bias", 1, 1, `golden input 0, layer "fc", element 1: stored`},
		{"a bias beyond 2^62", partWeights, "fc.bias", 0, 1 << 62, "beyond 2^62"},
		{"a golden input", partGolden, "input", 0, 1, `golden input 0, layer "conv"`},
		{"a golden input off the grid", partGolden, "input", 0, 14, "outside the quantizer's grid"},
		{"a golden output", partGolden, "layer.fc", 4, 1, `golden input 1, layer "fc", element 1: stored`},
	} {
		m := parts(t, whole)
		m[c.part] = editTensor(t, m[c.part], c.tensor, c.at, c.add)
		wantAltered(t, c.what, seal(t, m), c.want)
	}
}

func TestHashMismatch(t *testing.T) {
	m := parts(t, encodeFile(t, tinyFile(t)))
	m[partWeights] = editTensor(t, m[partWeights], "fc.bias", 1, 1)
	b, err := zipParts(m)
	if err != nil {
		t.Fatal(err)
	}
	wantAltered(t, "a weight, hash left alone", b, "weights.safetensors: SHA-256 is")
}

func TestManifestEdits(t *testing.T) {
	whole := encodeFile(t, tinyFile(t))
	for _, c := range []struct{ from, to, want string }{
		{`"schema": 1,`, `"schema": 1, "more": 1,`, `unknown field "more"`},
		{`"schema": 1,`, `"Schema": 1,`, "canonical"},
		{`"op": "SumPool"`, `"op": "MaxPool"`, `layer "pool": operation "MaxPool" is unknown in schema 1`},
		{`"stride": 2`, `"stride": 1`, `layer "pool": shape`},
		{`"padding": 1`, `"padding": 1, "dilation": 2`, `layer "conv": a dilation is unknown in schema 1`},
		{`"padding": 1`, `"padding": 1, "kernel": 2`, `layer "conv": json: unknown field "kernel"`},
		{`"stride": 2`, `"stride": 2, "dilation": 2`, `layer "pool": json: unknown field "dilation"`},
		{`"stride": 2`, `"stride": [2, 2]`, "canonical"},
		{`"stride": 2`, `"stride": [2, 1]`, `layer "pool": a stride of [2 1] is unknown in schema 1`},
		{`"stride": 2`, `"stride": [2, 2, 2]`, `is neither a number nor an array of 2`},
		{`"stride": 2`, `"stride": null`, `null is neither a number nor an array of 2`},
		{`"bits": 4,`, `"bits": 17,`, "17 bits"}, // the input's
		{`"scale": 0.0625,`, `"scale": -0.0625,`, "input quantizer: scale"},
		{`"name": "conv"`, `"name": "input"`, "no weight"},
		{"\n}\n", "\n}\n{}\n", "after top-level value"},
		{"\n}\n", "\n}", "canonical"},
	} {
		m := parts(t, whole)
		if !bytes.Contains(m[partManifest], []byte(c.from)) {
			t.Fatalf("the manifest has no %q", c.from)
		}
		m[partManifest] = bytes.Replace(m[partManifest], []byte(c.from), []byte(c.to), 1)
		b, err := zipParts(m)
		if err != nil {
			t.Fatal(err)
		}
		wantAltered(t, c.to, b, c.want)
	}
}

func TestUnknownSchema(t *testing.T) {
	for _, schema := range []string{"0", strconv.Itoa(Schema + 1), "-1"} {
		m := parts(t, encodeFile(t, tinyFile(t)))
		m[partManifest] = bytes.Replace(m[partManifest], []byte(`"schema": 1`), []byte(`"schema": `+schema), 1)
		b, err := zipParts(m)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Decode(b)
		if f != nil || !errors.Is(err, ErrVersion) || errors.Is(err, ErrAltered) {
			t.Errorf("schema %s: %v", schema, err)
		}
	}
}

// repack zips entries in order, in the way that each says.
func repack(t testing.TB, entries ...zip.FileHeader) func(m map[string][]byte) []byte {
	return func(m map[string][]byte) []byte {
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		for _, e := range entries {
			w, err := z.CreateHeader(&e)
			if err == nil {
				_, err = w.Write(m[e.Name])
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return buf.Bytes()
	}
}

func TestArchiveForm(t *testing.T) {
	part := func(name string, method uint16) zip.FileHeader { return zip.FileHeader{Name: name, Method: method} }
	man, wei, gol := part(partManifest, zip.Store), part(partWeights, zip.Store), part(partGolden, zip.Store)
	commented := man
	commented.Comment = "hello"
	for what, c := range map[string]struct {
		entries []zip.FileHeader
		want    string
	}{
		"an extra part":    {[]zip.FileHeader{man, wei, gol, part("x", zip.Store)}, `part "x" is unknown`},
		"a missing part":   {[]zip.FileHeader{man, wei}, `part "golden.safetensors" is missing`},
		"a part twice":     {[]zip.FileHeader{man, wei, gol, wei}, `part "weights.safetensors" is there twice`},
		"a compressed one": {[]zip.FileHeader{man, part(partWeights, zip.Deflate), gol}, "not stored plainly"},
		"another order":    {[]zip.FileHeader{wei, man, gol}, "canonical"},
		"a comment":        {[]zip.FileHeader{commented, wei, gol}, "canonical"},
		"nothing":          {nil, `part "manifest.json" is missing`},
	} {
		m := parts(t, encodeFile(t, tinyFile(t)))
		wantAltered(t, what, repack(t, c.entries...)(m), c.want)
	}
	wantAltered(t, "no archive", []byte("hello"), "zip")
}

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadFile(filepath.Join(dir, "none.qb")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
	path := filepath.Join(dir, "bad.qb")
	if err := os.WriteFile(path, []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(path); !errors.Is(err, ErrAltered) || !strings.Contains(err.Error(), "bad.qb") {
		t.Errorf("a damaged file gives %v", err)
	}
}

// A Python user opens a bundle with zipfile and json alone: so must any reader
// of plain zip archives.
func TestPublicTools(t *testing.T) {
	b := encodeFile(t, tinyFile(t))
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	r, err := z.Open("manifest.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	var m struct {
		Schema int
		Nodes  []struct {
			Name, Op string
			Range    [2]int64
		}
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Schema != 1 || len(m.Nodes) != 5 || m.Nodes[4].Op != "Dense" {
		t.Errorf("manifest %+v, %v", m, err)
	}
}
