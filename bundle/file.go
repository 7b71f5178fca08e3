package bundle

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"qtool/encode"
	"qtool/internal/safetensors"
	"qtool/internal/strict"
	"qtool/internal/whole"
)

// File is what a .qb file holds: a program, where it comes from, and golden
// vectors.
type File struct {
	Program    *Program
	Provenance Provenance
	Golden     Golden
	// Encoder makes the program's input of what a person has; see Sample. Nil stands for
	// pixels divided by 255; Decode never leaves it nil.
	Encoder encode.Encoder
}

// Golden is a few inputs with every tensor the program makes of them. Reading a
// file replays them.
type Golden struct {
	Inputs []Vec
	// Tensors[i][k] is node k's output for input i, modulo 2^64.
	Tensors [][][]int64
}

// The parts of a .qb file, in order. They are stored, not compressed, so that
// the same bundle is the same bytes whatever made it.
const (
	partManifest = "manifest.json"
	partWeights  = "weights.safetensors"
	partTables   = "tables.safetensors" // only where there is a table
	partGolden   = "golden.safetensors"
	partEncoder  = "client.safetensors" // only where the encoder is not pixels divided by 255
)

// MaxFileBytes bounds a .qb file.
const MaxFileBytes = 1 << 30

// Errors that callers branch on.
var (
	ErrVersion = errors.New("unsupported bundle version")
	ErrAltered = errors.New("bundle is altered or damaged")
)

// MakeGolden runs the program on inputs and keeps every tensor.
func MakeGolden(p *Program, inputs []Vec) (Golden, error) {
	r, err := NewRunner(p)
	if err != nil {
		return Golden{}, err
	}
	g := Golden{Inputs: inputs}
	for _, in := range inputs {
		var tensors [][]int64
		_, err := r.Run(in, func(_ int, out Vec) {
			low := make([]int64, out.Len())
			for i := range low {
				low[i] = out.Low64(i)
			}
			tensors = append(tensors, low)
		})
		if err != nil {
			return Golden{}, err
		}
		g.Tensors = append(g.Tensors, tensors)
	}
	return g, nil
}

// replay checks the golden vectors against the program.
func (g Golden) replay(p *Program) error {
	again, err := MakeGolden(p, g.Inputs)
	if err != nil {
		return err
	}
	for i := range again.Tensors {
		for k, want := range g.Tensors[i] {
			for j, w := range want {
				if got := again.Tensors[i][k][j]; got != w {
					return fmt.Errorf("golden input %d, layer %q, element %d: stored %d, computed %d", i, p.Nodes[k].Name, j, w, got)
				}
			}
		}
	}
	return nil
}

// Encode is the .qb file's bytes. The same File gives the same bytes.
func (f *File) Encode() ([]byte, error) {
	m := manifest{Schema: f.schema(), Input: f.Program.Input, Labels: f.Program.Labels, Provenance: f.Provenance, SHA256: map[string]string{}}
	weights, tables := &safetensors.File{}, &safetensors.File{}
	for i := range f.Program.Nodes {
		n, err := describe(&f.Program.Nodes[i], f.Program.Nodes[i].Name, weights, tables)
		if err != nil {
			return nil, fmt.Errorf("bundle: layer %q: %w", n.Name, err)
		}
		n.Inputs = f.Program.ListedInputs(i)
		m.Nodes = append(m.Nodes, n)
	}
	golden := &safetensors.File{}
	if n := len(f.Golden.Inputs); n > 0 {
		var all []int64
		for _, in := range f.Golden.Inputs {
			all = append(all, in.Small...)
		}
		golden.Tensors = append(golden.Tensors, safetensors.FromInts("input", append([]int{n}, f.Program.Input.Shape...), all))
		for k, node := range f.Program.Nodes {
			var all []int64
			for i := range n {
				all = append(all, f.Golden.Tensors[i][k]...)
			}
			golden.Tensors = append(golden.Tensors, safetensors.FromInts("layer."+node.Name, append([]int{n}, node.Shape...), all))
		}
	}
	parts := map[string][]byte{}
	for name, part := range map[string]*safetensors.File{partWeights: weights, partTables: tables, partGolden: golden} {
		if name == partTables && len(tables.Tensors) == 0 {
			continue
		}
		b, err := safetensors.Encode(part)
		if err != nil {
			return nil, fmt.Errorf("bundle: %s: %w", name, err)
		}
		parts[name], m.SHA256[name] = b, hash(b)
	}
	encoder, err := f.encoderPart()
	if err != nil {
		return nil, err
	}
	if encoder != nil {
		parts[partEncoder], m.SHA256[partEncoder] = encoder, hash(encoder)
	}
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return nil, fmt.Errorf("bundle: manifest: %w", err)
	}
	parts[partManifest] = append(text, '\n')
	return zipParts(parts)
}

func zipParts(parts map[string][]byte) ([]byte, error) {
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for _, name := range []string{partManifest, partWeights, partTables, partGolden, partEncoder} {
		if _, ok := parts[name]; !ok {
			continue
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
		if err == nil {
			_, err = w.Write(parts[name])
		}
		if err != nil {
			return nil, fmt.Errorf("bundle: %s: %w", name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	return buf.Bytes(), nil
}

// Decode reads a .qb file strictly. It accepts only what Encode writes, byte for
// byte, and only if every hash, shape and static bound agrees and the golden
// vectors replay. On error it returns no file; the error wraps ErrVersion for
// an unknown schema and ErrAltered for any other disagreement.
func Decode(b []byte) (*File, error) {
	f, err := decode(b)
	if err != nil && !errors.Is(err, ErrVersion) {
		return nil, fmt.Errorf("bundle: %w: %w", ErrAltered, err)
	}
	return f, err
}

func decode(b []byte) (*File, error) {
	if len(b) > MaxFileBytes {
		return nil, fmt.Errorf("%d bytes pass the limit of %d", len(b), MaxFileBytes)
	}
	parts, err := unzipParts(b)
	if err != nil {
		return nil, err
	}
	var version struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(parts[partManifest], &version); err != nil {
		return nil, fmt.Errorf("%s: %w", partManifest, err)
	}
	if version.Schema < 1 || version.Schema > Schema {
		return nil, fmt.Errorf("bundle: %w: schema %d, this version reads 1..%d", ErrVersion, version.Schema, Schema)
	}
	var m manifest
	if err := strict.JSON(parts[partManifest], &m); err != nil {
		return nil, fmt.Errorf("%s: %w", partManifest, err)
	}
	files := map[string]*safetensors.File{partTables: {}}
	for _, name := range []string{partWeights, partTables, partGolden} {
		if _, ok := parts[name]; !ok && name == partTables {
			continue
		}
		if got := hash(parts[name]); got != m.SHA256[name] {
			return nil, fmt.Errorf("%s: SHA-256 is %s, the manifest says %q", name, got, m.SHA256[name])
		}
		if files[name], err = safetensors.Decode(parts[name], safetensors.DefaultLimits); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	f := &File{Program: &Program{Input: m.Input, Labels: m.Labels}, Provenance: m.Provenance}
	for i := range m.Nodes {
		n, err := m.Nodes[i].node(m.Nodes[i].Name, files[partWeights], files[partTables])
		if err != nil {
			return nil, fmt.Errorf("layer %q: %w", m.Nodes[i].Name, err)
		}
		f.Program.Nodes = append(f.Program.Nodes, n)
	}
	encoder, coded := parts[partEncoder]
	if coded && hash(encoder) != m.SHA256[partEncoder] {
		return nil, fmt.Errorf("%s: SHA-256 is %s, the manifest says %q", partEncoder, hash(encoder), m.SHA256[partEncoder])
	}
	if f.Encoder, err = readEncoder(encoder, coded, f.Program.Input); err != nil {
		return nil, fmt.Errorf("%s: %w", partEncoder, err)
	}
	if err := f.checkSchema(m.Schema); err != nil {
		return nil, err
	}
	if err := f.Program.Check(); err != nil {
		return nil, err
	}
	for _, n := range f.Program.Nodes {
		if !n.Range.Union(n.Seen).Equal(n.Range) {
			return nil, fmt.Errorf("layer %q: calibration range %v is not inside the static bound %v", n.Name, n.Seen, n.Range)
		}
	}
	if f.Golden, err = decodeGolden(files[partGolden], f.Program); err != nil {
		return nil, fmt.Errorf("%s: %w", partGolden, err)
	}
	if err := f.Golden.replay(f.Program); err != nil {
		return nil, err
	}
	if err := whole.Canonical(b, f.Encode); err != nil {
		return nil, err
	}
	return f, nil
}

func decodeGolden(t *safetensors.File, p *Program) (Golden, error) {
	var g Golden
	if len(t.Tensors) == 0 {
		return g, nil
	}
	in, ok := t.Get("input")
	if !ok || len(in.Shape) == 0 {
		return g, fmt.Errorf("no tensor %q", "input")
	}
	n := in.Shape[0]
	if n < 1 || n > maxGolden {
		return g, fmt.Errorf("%d golden inputs, want 1..%d", n, maxGolden)
	}
	inputs, err := goldenRows(in, n, p.Input.Shape)
	if err != nil {
		return g, err
	}
	g.Tensors = make([][][]int64, n)
	for i := range n {
		g.Inputs = append(g.Inputs, Vec{Small: inputs[i]})
	}
	for _, node := range p.Nodes {
		tensor, ok := t.Get("layer." + node.Name)
		if !ok {
			return g, fmt.Errorf("no tensor %q", "layer."+node.Name)
		}
		rows, err := goldenRows(tensor, n, node.Shape)
		if err != nil {
			return g, err
		}
		for i := range n {
			g.Tensors[i] = append(g.Tensors[i], rows[i])
		}
	}
	return g, nil
}

const maxGolden = 64

// goldenRows splits a tensor of shape [n, shape...] in its n rows.
func goldenRows(t *safetensors.Tensor, n int, shape []int) ([][]int64, error) {
	size, err := elements(shape)
	if err != nil {
		return nil, err
	}
	v, err := t.Ints()
	if err != nil {
		return nil, err
	}
	if len(v) != n*size {
		return nil, fmt.Errorf("tensor %q has %d elements, want %d of shape %v", t.Name, len(v), n, shape)
	}
	rows := make([][]int64, n)
	for i := range rows {
		rows[i] = v[i*size : (i+1)*size]
	}
	return rows, nil
}

// unzipParts reads the parts of an archive that must hold exactly them, stored.
func unzipParts(b []byte) (map[string][]byte, error) {
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	parts := map[string][]byte{}
	for _, e := range z.File {
		switch e.Name {
		case partManifest, partWeights, partTables, partGolden, partEncoder:
		default:
			return nil, fmt.Errorf("part %q is unknown", e.Name)
		}
		if _, twice := parts[e.Name]; twice {
			return nil, fmt.Errorf("part %q is there twice", e.Name)
		}
		if e.Method != zip.Store || e.UncompressedSize64 > uint64(len(b)) {
			return nil, fmt.Errorf("part %q is not stored plainly", e.Name)
		}
		r, err := e.Open()
		if err != nil {
			return nil, fmt.Errorf("part %q: %w", e.Name, err)
		}
		parts[e.Name], err = io.ReadAll(io.LimitReader(r, int64(len(b))))
		if err == nil {
			err = r.Close()
		}
		if err != nil {
			return nil, fmt.Errorf("part %q: %w", e.Name, err)
		}
	}
	for _, name := range []string{partManifest, partWeights, partGolden} {
		if _, ok := parts[name]; !ok {
			return nil, fmt.Errorf("part %q is missing", name)
		}
	}
	return parts, nil
}

func hash(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// WriteFile writes the bundle; the file appears only when complete.
func (f *File) WriteFile(path string) error { return whole.Write(path, f.Encode) }

// ReadFile reads a .qb file; see Decode.
func ReadFile(path string) (*File, error) { return whole.Read(path, MaxFileBytes, Decode) }
