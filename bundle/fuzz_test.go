package bundle

import (
	"bytes"
	"os"
	"runtime"
	"testing"
)

// Whatever the bytes: no panic, and what is accepted encodes to the same bytes.
func FuzzDecode(f *testing.F) {
	golden, err := os.ReadFile("testdata/v1.qb")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(golden)
	f.Add(golden[:len(golden)/2])
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, b []byte) { decodeStrictly(t, b) })
}

// Mutations of a whole archive end at its checksums. This one mutates the parts
// and seals them, so that what lies behind the checksums is reached.
func FuzzDecodeSealed(f *testing.F) {
	recurrent, err := os.ReadFile("testdata/v1-recurrent.qb")
	if err != nil {
		f.Fatal(err)
	}
	graph, err := os.ReadFile("testdata/v2.qb")
	if err != nil {
		f.Fatal(err)
	}
	originals := []map[string][]byte{parts(f, encode(f, tinyFile(f))), parts(f, recurrent), parts(f, graph)}
	for _, m := range originals {
		f.Add(m[partManifest], m[partWeights], m[partTables], m[partGolden])
	}
	f.Fuzz(func(t *testing.T, manifest, weights, tables, golden []byte) {
		sealed := map[string][]byte{partWeights: weights, partGolden: golden}
		if len(tables) > 0 {
			sealed[partTables] = tables
		}
		for _, m := range originals {
			for part, b := range sealed {
				manifest = bytes.ReplaceAll(manifest, []byte(hash(m[part])), []byte(hash(b)))
			}
		}
		sealed[partManifest] = manifest
		b, err := zipParts(sealed)
		if err != nil {
			t.Fatal(err)
		}
		decodeStrictly(t, b)
	})
}

func decodeStrictly(t *testing.T, b []byte) {
	f, err := Decode(b)
	if err != nil {
		if f != nil {
			t.Fatalf("a file beside error %v", err)
		}
		return
	}
	if !bytes.Equal(encode(t, f), b) {
		t.Fatal("accepted, but encodes to other bytes")
	}
}

// A short file that claims large tensors is refused before they are allocated.
func TestNoHugeAllocation(t *testing.T) {
	for what, c := range map[string]struct{ from, to string }{
		"input":   {"\"shape\": [\n   1,\n   3,\n   3\n  ]", `"shape": [1, 65536, 65536]`},
		"reshape": {"\"shape\": [\n     8\n    ]", `"shape": [4294967296, 4294967296]`},
	} {
		m := parts(t, encode(t, tinyFile(t)))
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
