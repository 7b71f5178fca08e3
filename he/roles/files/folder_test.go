package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qtool/he"
	"qtool/he/roles"
	"qtool/he/wire"
)

// encrypted is a folder with n samples, two a message.
func encrypted(t *testing.T, f *fake, n int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "in")
	w, err := CreateFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	if got, err := roles.EncryptStream(t.Context(), f, seen(n), w, nil, nil); err != nil || got != n {
		t.Fatal(got, err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// decrypted are the answers in a folder, read as one stream.
func decrypted(t *testing.T, f *fake, dir string) (labels []int64) {
	t.Helper()
	folder, err := OpenFolder(dir, wire.Outputs)
	if err != nil {
		t.Fatal(err)
	}
	all, err := folder.First()
	if err != nil {
		t.Fatal(err)
	}
	defer all.Close()
	_, err = roles.DecryptStream(t.Context(), f, all, nil, nil, func(_ int, d *he.Decrypted) error {
		for _, v := range d.Answers.(he.Exact) {
			labels = append(labels, v.Small[0])
		}
		return nil
	})
	if err == nil {
		err = Ended(all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return labels
}

// A stream that is written to a folder can be read again message by message, evaluated
// into another folder, and decrypted as one stream.
func TestFolder(t *testing.T) {
	f := &fake{key: wire.NewKeyID(), spec: [32]byte{1}}
	in := encrypted(t, f, 5)
	if got := names(t, in); !slices.Equal(got, []string{"00000000.qbm", "00000001.qbm", "00000002.qbm", IndexFile}) {
		t.Fatalf("%v are in the folder", got)
	}
	folder, err := OpenFolder(in, wire.Inputs)
	if err != nil || folder.Samples != 5 || folder.Messages[2].Samples != 1 {
		t.Fatalf("%+v, %v", folder, err)
	}
	var samples []byte
	for m, err := range folder.All() {
		if err != nil {
			t.Fatal(err)
		}
		n := m.Object().Message.Samples
		samples = append(samples, m.Bytes(int(n))...) // the rest is checked all the same
	}
	if !slices.Equal(samples, []byte{0, 1, 2, 3, 4}) {
		t.Errorf("samples %v", samples)
	}
	out := filepath.Join(t.TempDir(), "out")
	n, kept, err := EvaluateFolder(t.Context(), f, f, folder, out, Progress{})
	if n != 5 || kept != 0 || err != nil {
		t.Fatalf("%d samples, %d kept, %v", n, kept, err)
	}
	if got := decrypted(t, f, out); !slices.Equal(got, []int64{1, 2, 3, 4, 5}) {
		t.Errorf("answers %v", got)
	}
	// Once more evaluates nothing.
	f.evaluated = 0
	if n, kept, err = EvaluateFolder(t.Context(), f, f, folder, out, Progress{}); n != 5 || kept != 5 || err != nil || f.evaluated != 0 {
		t.Errorf("%d samples, %d kept, %d evaluated, %v", n, kept, f.evaluated, err)
	}
	if _, err := OpenFolder(in, wire.Outputs); err == nil || !strings.Contains(err.Error(), "it has encrypted inputs, want encrypted outputs") {
		t.Errorf("error %v", err)
	}
	if _, err := CreateFolder(in); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a folder with messages: error %v", err)
	}
}

// An evaluation that ended goes on behind the answers that are there, makes a damaged one
// again, and takes none to something else.
func TestEvaluateGoesOn(t *testing.T) {
	f := &fake{key: wire.NewKeyID(), spec: [32]byte{1}, fail: 3}
	folder, err := OpenFolder(encrypted(t, f, 7), wire.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(t.TempDir(), "out")
	if n, _, err := EvaluateFolder(t.Context(), f, f, folder, out, Progress{}); n != 4 || !errors.Is(err, errFake) {
		t.Fatalf("%d samples, %v", n, err)
	}
	if got := names(t, out); !slices.Equal(got, []string{"00000000.qbm", "00000001.qbm"}) {
		t.Fatalf("%v are left", got)
	}
	if _, err := OpenFolder(out, wire.Outputs); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not complete: %v", err)
	}
	corrupt(t, out, messageFile(1))
	if err := os.WriteFile(filepath.Join(out, ".00000002.qbm.XYZ.tmp"), []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	f.fail, f.evaluated = 0, 0
	var told []int64
	n, kept, err := EvaluateFolder(t.Context(), f, f, folder, out, Progress{Done: func(n, kept int64) { told = append(told, n, kept) }})
	if n != 7 || kept != 2 || err != nil || f.evaluated != 3 {
		t.Fatalf("%d samples, %d kept, %d messages evaluated, %v", n, kept, f.evaluated, err)
	}
	if !slices.Equal(told, []int64{2, 2, 4, 2, 6, 2, 7, 2}) {
		t.Errorf("told %v", told)
	}
	if got := decrypted(t, f, out); !slices.Equal(got, []int64{1, 2, 3, 4, 5, 6, 7}) {
		t.Errorf("answers %v", got)
	}
	other, err := OpenFolder(encrypted(t, f, 7), wire.Inputs)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := EvaluateFolder(t.Context(), f, f, other, out, Progress{}); err == nil || !strings.Contains(err.Error(), "it has answers to something else") {
		t.Errorf("error %v", err)
	}
	if err := os.Remove(filepath.Join(out, IndexFile)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := EvaluateFolder(t.Context(), f, f, other, out, Progress{}); err == nil || !strings.Contains(err.Error(), "it is no answer to") {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(filepath.Join(out, "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := EvaluateFolder(t.Context(), f, f, folder, out, Progress{}); err == nil || !strings.Contains(err.Error(), "notes.txt is in it") {
		t.Errorf("error %v", err)
	}
	if _, _, err := EvaluateFolder(t.Context(), f, f, folder, folder.Dir, Progress{}); err == nil || !strings.Contains(err.Error(), "one folder") {
		t.Errorf("error %v", err)
	}
}

// What is in a folder must be what its index lists, byte for byte, and the index itself
// what this version writes.
func TestFolderRefused(t *testing.T) {
	f := &fake{key: wire.NewKeyID(), spec: [32]byte{1}}
	again := encrypted(t, f, 5)
	for name, c := range map[string]struct {
		spoil func(dir string) error
		want  string
	}{
		"damaged": {func(dir string) error { corrupt(t, dir, messageFile(1)); return nil }, "the index lists"},
		"swapped": {func(dir string) error {
			return os.Rename(filepath.Join(dir, messageFile(1)), filepath.Join(dir, messageFile(0)))
		}, "it is not the message that the index lists"},
		"of another stream": {func(dir string) error {
			return os.Rename(filepath.Join(again, messageFile(1)), filepath.Join(dir, messageFile(1)))
		}, "it is not the message that the index lists"},
		"truncated": {func(dir string) error { return os.Truncate(filepath.Join(dir, messageFile(2)), 1000) }, "1000 bytes, the index lists"},
		"missing":   {func(dir string) error { return os.Remove(filepath.Join(dir, messageFile(2))) }, "no such file"},
		"index":     {func(dir string) error { return os.Truncate(filepath.Join(dir, IndexFile), 100) }, "index.json: unexpected end of JSON"},
		"version":   {replace(`"schema": 1`, `"schema": 2`), "schema 2, this reads 1"},
		"key":       {replace(`"spec"`, `"spock"`), `unknown field "spock"`},
		"path":      {replace(messageFile(1), "../../etc/passwd"), `message 1 is "../../etc/passwd"`},
		"samples":   {replace(`"samples": 5`, `"samples": 6`), "6 samples, the messages have 5"},
		"hash":      {replace(`"sha256": "`, `"sha256": "x`), "with SHA-256 \"x"},
		"kind":      {replace(`"inputs"`, `"outlets"`), `kind "outlets"`},
	} {
		dir := encrypted(t, f, 5)
		if err := c.spoil(dir); err != nil {
			t.Fatal(name, err)
		}
		folder, err := OpenFolder(dir, wire.Inputs)
		if err == nil {
			for _, e := range folder.All() {
				err = e
			}
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %s", name, err, c.want)
		}
		if folder == nil {
			continue
		}
		all, err := folder.First()
		if err == nil {
			_, err = io.Copy(io.Discard, all)
			all.Close()
		}
		if err == nil {
			t.Errorf("%s: read as one stream", name)
		}
		if _, _, err := EvaluateFolder(t.Context(), f, f, folder, filepath.Join(t.TempDir(), "out"), Progress{}); err == nil {
			t.Errorf("%s: evaluated", name)
		}
	}
}

// replace replaces a text in the index.
func replace(old, with string) func(string) error {
	return func(dir string) error {
		path := filepath.Join(dir, IndexFile)
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(strings.Replace(string(b), old, with, 1)), 0o644)
	}
}

// A folder that could not be completed is gone, and what a crash left is overwritten; what
// is not ours stays.
func TestCreateFolder(t *testing.T) {
	f := &fake{}
	dir := filepath.Join(t.TempDir(), "in")
	w, err := CreateFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := CreateFolder(dir); err == nil {
		t.Error("two have one folder")
	}
	var b strings.Builder
	if _, err := roles.EncryptStream(t.Context(), f, seen(4), &b, nil, nil); err != nil {
		t.Fatal(err)
	}
	stream := b.String()
	for part := range slices.Chunk([]byte(stream[:len(stream)-1]), 777) {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err == nil || !strings.Contains(err.Error(), "not complete") {
		t.Errorf("error %v", err)
	}
	w.Discard()
	w.Discard()
	if Exists(dir) {
		t.Error("the folder is there")
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{messageFile(0), messageFile(7), ".00000008.qbm.ABC.tmp"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if w, err = CreateFolder(dir); err != nil {
		t.Fatal(err)
	}
	for part := range slices.Chunk([]byte(stream), 777) {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	w.Discard()
	if got := names(t, dir); len(got) != 3 {
		t.Errorf("%v are there", got)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "thesis.tex"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := CreateFolder(other); err == nil || !strings.Contains(err.Error(), "thesis.tex is in it") {
		t.Errorf("error %v", err)
	}
	if got := names(t, other); len(got) != 1 {
		t.Errorf("%v are there", got)
	}
	if _, err := CreateFolder(filepath.Join(other, "thesis.tex")); err == nil || !strings.Contains(err.Error(), "no folder") {
		t.Errorf("error %v", err)
	}
	if _, err := (&NewFolder{dir: other}).Write([]byte(strings.Repeat("x", 1000))); !errors.Is(err, wire.ErrMagic) {
		t.Errorf("error %v", err)
	}
}
