package bundle

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"qtool/internal/edits"
	"runtime"
	"testing"
)

// goldens are bundles as they are written.
func goldens(f *testing.F) (all [][]byte) {
	all = append(all, encodeFile(f, tinyFile(f)))
	files, err := filepath.Glob("testdata/*.qb")
	if err != nil || len(files) == 0 {
		f.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

// Whatever the bytes: no panic, and what is accepted encodes to the same bytes. The
// bytes are short, or an edited archive.
func FuzzDecode(f *testing.F) {
	files := goldens(f)
	for i := range files {
		f.Add(uint8(i), []byte{})
		f.Add(uint8(i), []byte{4, 0, 128, 0, 0})
	}
	f.Add(uint8(255), []byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, which uint8, script []byte) {
		b := script[:min(len(script), edits.Max)]
		if which < 255 {
			b = edits.Apply(files[int(which)%len(files)], script)
		}
		decodeStrictly(t, b)
	})
}

// Edits of a whole archive end at its checksums. This target edits one part and
// seals all of them, so that what lies behind the checksums is reached.
func FuzzDecodeSealed(f *testing.F) {
	var originals []map[string][]byte
	for _, b := range goldens(f) {
		originals = append(originals, parts(f, b))
	}
	names := []string{partManifest, partWeights, partTables, partGolden, partEncoder}
	for i, m := range originals {
		for k, name := range names {
			if len(m[name]) > 0 {
				f.Add(uint8(i), uint8(k), []byte{})
				f.Add(uint8(i), uint8(k), []byte{2, 0, byte(90 + 40*i), 1, 0})
				f.Add(uint8(i), uint8(k), []byte{2, 0, byte(200 + 7*i), 1, 0})
			}
		}
	}
	for i := range manifestWords {
		f.Add(uint8(i), uint8(0), []byte{7, 0, byte(41 * i), byte(i), 0})
	}
	f.Fuzz(func(t *testing.T, which, part uint8, script []byte) {
		original := originals[int(which)%len(originals)]
		name := names[int(part)%len(names)]
		sealed := maps.Clone(original)
		if len(sealed[name]) == 0 {
			return
		}
		sealed[name] = edits.Apply(sealed[name], script, manifestWords...)
		if name != partManifest {
			sealed[partManifest] = bytes.ReplaceAll(sealed[partManifest], []byte(hash(original[name])), []byte(hash(sealed[name])))
		}
		b, err := zipParts(sealed)
		if err != nil {
			t.Fatal(err)
		}
		decodeStrictly(t, b)
	})
}

// manifestWords are what manifests are made of.
var manifestWords = []string{
	"0", "-", "1", "9", "e9", "99999999999999999999", "null", "true", "{}", "[]", "\"", ",", ",\n", "}", "]",
	`"shape": [1],`, `"inputs": ["input"],`, `"op": "Add",`, `"zero_point": 7,`, `"scale": 0.5,`,
}

func decodeStrictly(t *testing.T, b []byte) {
	f, err := Decode(b)
	if err != nil {
		if f != nil {
			t.Fatalf("a file beside error %v", err)
		}
		return
	}
	if !bytes.Equal(encodeFile(t, f), b) {
		t.Fatal("accepted, but encodes to other bytes")
	}
}

// A short file that claims large tensors is refused before they are allocated.
func TestNoHugeAllocation(t *testing.T) {
	for what, c := range map[string]struct{ from, to string }{
		"input":   {"\"shape\": [\n   1,\n   3,\n   3\n  ]", `"shape": [1, 65536, 65536]`},
		"reshape": {"\"shape\": [\n     8\n    ]", `"shape": [4294967296, 4294967296]`},
	} {
		m := parts(t, encodeFile(t, tinyFile(t)))
		if !bytes.Contains(m[partManifest], []byte(c.from)) {
			t.Fatalf("the manifest has no %q:\n%s", c.from, m[partManifest])
		}
		m[partManifest] = bytes.Replace(m[partManifest], []byte(c.from), []byte(c.to), 1)
		b, err := zipParts(m)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = Decode(b)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%s: accepted", what)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
			t.Errorf("%s: %d bytes allocated for a file of %d", what, n, len(b))
		}
	}
}
