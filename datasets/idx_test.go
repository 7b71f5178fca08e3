package datasets

import (
	"bytes"
	"compress/gzip"
	"io"
	"qtool/internal/edits"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// gzipped returns data compressed.
func gzipped(data []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write(data)
	w.Close()
	return b.Bytes()
}

// encoded returns x as WriteIDX writes it.
func encoded(t testing.TB, x *IDX) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteIDX(&b, x); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadIDX(t *testing.T) {
	want := &IDX{Shape: []int{2, 1, 3}, Data: []uint8{0, 1, 2, 253, 254, 255}}
	plain := []byte("\x00\x00\x08\x03\x00\x00\x00\x02\x00\x00\x00\x01\x00\x00\x00\x03\x00\x01\x02\xfd\xfe\xff")
	if got := encoded(t, want); !bytes.Equal(got, plain) {
		t.Errorf("WriteIDX wrote %q, want %q", got, plain)
	}
	for name, data := range map[string][]byte{"plain": plain, "gzip": gzipped(plain)} {
		got, err := ReadIDX(bytes.NewReader(data), DefaultIDXLimits)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", name, diff)
		}
	}
}

func TestReadIDXGrows(t *testing.T) {
	want := &IDX{Shape: []int{3, 1 << 20}, Data: make([]uint8, 3<<20)}
	for i := range want.Data {
		want.Data[i] = uint8(i>>8 ^ i)
	}
	got, err := ReadIDX(bytes.NewReader(encoded(t, want)), DefaultIDXLimits)
	if err != nil || !bytes.Equal(got.Data, want.Data) {
		t.Errorf("3 MB of data do not come back: %v", err)
	}
}

func TestReadIDXRefuses(t *testing.T) {
	lim := IDXLimits{Dims: 2, Dim: 100, Bytes: 1000}
	badSum := gzipped([]byte("\x00\x00\x08\x01\x00\x00\x00\x01A"))
	badSum[len(badSum)-8] ^= 1
	for _, test := range []struct{ name, data, want string }{
		{"empty", "", "magic: EOF"},
		{"short magic", "\x00\x00\x08", "magic: unexpected EOF"},
		{"magic", "\x01\x00\x08\x01", "does not begin with two zeros"},
		{"type", "\x00\x00\x0d\x01", "type 0x0d is not 0x08"},
		{"no dimensions", "\x00\x00\x08\x00", "0 dimensions, want 1 to 2"},
		{"dimensions", "\x00\x00\x08\x03", "3 dimensions, want 1 to 2"},
		{"short size", "\x00\x00\x08\x01\x00\x00", "size of dimension 0: unexpected EOF"},
		{"zero size", "\x00\x00\x08\x01\x00\x00\x00\x00", "size 0 of dimension 0 is not in [1, 100]"},
		{"size", "\x00\x00\x08\x01\xff\xff\xff\xff", "size 4294967295 of dimension 0 is not in [1, 100]"},
		{"total", "\x00\x00\x08\x02\x00\x00\x00\x64\x00\x00\x00\x0b", "100 x 11 bytes of data are over the limit of 1000"},
		{"truncated", "\x00\x00\x08\x01\x00\x00\x00\x03AB", "2 bytes of data, want 3: unexpected EOF"},
		{"trailing", "\x00\x00\x08\x01\x00\x00\x00\x01AB", "bytes after the 1 of data"},
		{"gzip header", "\x1f\x8b\x07", "datasets: idx: "},
		{"gzip checksum", string(badSum), "gzip: invalid checksum"},
		{"gzip of nothing", string(gzipped(nil)), "magic: EOF"},
		{"gzip trailing", string(gzipped([]byte("\x00\x00\x08\x01\x00\x00\x00\x01A"))) + "x", "end of the data"},
		{"gzip bomb", string(gzipped(append([]byte("\x00\x00\x08\x01\x00\x00\x00\x01"), make([]byte, 1<<20)...))), "bytes after the 1 of data"},
	} {
		x, err := ReadIDX(strings.NewReader(test.data), lim)
		if x != nil || err == nil || !strings.HasPrefix(err.Error(), "datasets: idx: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, error %v, want error with %q", test.name, x, err, test.want)
		}
	}
}

// An array that is cut anywhere, compressed or not, is refused.
func TestReadIDXCut(t *testing.T) {
	plain := encoded(t, &IDX{Shape: []int{3, 5, 4}, Data: make([]uint8, 60)})
	for _, b := range [][]byte{plain, gzipped(plain)} {
		for n := range b {
			if x, err := ReadIDX(bytes.NewReader(b[:n]), DefaultIDXLimits); x != nil || err == nil || !strings.HasPrefix(err.Error(), "datasets: idx: ") {
				t.Errorf("cut to %d of %d bytes: %v", n, len(b), err)
			}
		}
	}
}

// A header that claims the most is no reason to allocate it.
func TestReadIDXAllocatesWhatArrives(t *testing.T) {
	header := "\x00\x00\x08\x02\x00\x00\x01\x00\x00\x10\x00\x00"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := ReadIDX(strings.NewReader(header), DefaultIDXLimits); err == nil {
		t.Fatal("no error")
	}
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 2<<20 {
		t.Errorf("%d bytes allocated for a header alone, limit %d", got, 2<<20)
	}
}

func TestWriteIDXRefuses(t *testing.T) {
	for _, x := range []*IDX{
		{},
		{Shape: []int{0}},
		{Shape: []int{-1}, Data: []uint8{1}},
		{Shape: []int{2}, Data: []uint8{1}},
		{Shape: make([]int, 256)},
	} {
		if err := WriteIDX(io.Discard, x); err == nil {
			t.Errorf("WriteIDX of shape %v with %d bytes: no error", x.Shape, len(x.Data))
		}
	}
}

func FuzzReadIDX(f *testing.F) {
	plain := encoded(f, &IDX{Shape: []int{2, 3}, Data: []uint8{1, 2, 3, 4, 5, 6}})
	f.Add(plain)
	f.Add(gzipped(plain))
	f.Add(plain[:len(plain)-1])
	f.Add(append(bytes.Clone(plain), 0))
	f.Add([]byte("\x00\x00\x08\x04\x00\x00\x00\x10\x00\x00\x00\x10\x00\x00\x00\x10\x00\x00\x00\x10"))
	lim := IDXLimits{Dims: 4, Dim: 1 << 10, Bytes: 1 << 16}
	f.Fuzz(func(t *testing.T, data []byte) {
		data = data[:min(len(data), edits.Max)]
		x, err := ReadIDX(bytes.NewReader(data), lim)
		if err != nil {
			return
		}
		if len(x.Shape) > lim.Dims || cap(x.Data) > lim.Bytes {
			t.Fatalf("shape %v with capacity %d is over the limits", x.Shape, cap(x.Data))
		}
		if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
			r, err := gzip.NewReader(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if data, err = io.ReadAll(r); err != nil {
				t.Fatal(err)
			}
		}
		if got := encoded(t, x); !bytes.Equal(got, data) {
			t.Fatalf("read %x, wrote %x", data, got)
		}
	})
}
