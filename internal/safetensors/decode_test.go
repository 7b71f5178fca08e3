package safetensors

import (
	"bytes"
	"encoding/binary"
	"math"
	"qtool/internal/edits"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// assemble returns a file with the given header, padded, and data.
func assemble(header, data string) []byte {
	header += strings.Repeat(" ", (8-len(header)%8)%8)
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func TestDecodeErrors(t *testing.T) {
	const (
		a = `"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}`
		b = `"b":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}`
	)
	if _, err := Decode(assemble("{"+a+","+b+"}", "xy"), DefaultLimits); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ header, data, want string }{
		// JSON that is not the header's.
		{``, ``, `header byte 0: want {`},
		{`[]`, ``, `header byte 0: want {`},
		{`{`, ``, `want "`},
		{`{"a`, ``, `header byte 8: want the closing "`},
		{`{"a"}`, ``, `want :`},
		{`{"a":1}`, ``, `tensor "a": header byte 5: want {"dtype":`},
		{`{"a":null}`, ``, `want {"dtype":`},
		{`{` + a + `,}`, `x`, `want "`},
		{`{` + a + ` `, `x`, `want }`},
		// Not canonical.
		{` {}`, ``, `header byte 0: want {`},
		{`{ }`, ``, `want "`},
		{`{}x`, ``, `header byte 2 is not as in the canonical encoding`},
		{`{}       x`, ``, `header byte 8 is not as`},
		{`{}              `, ``, `header byte 8 is not as`},
		{`{"a": {"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ``, `want {"dtype":`},
		{`{"a":{"shape":[0],"dtype":"U8","data_offsets":[0,0]}}`, ``, `want {"dtype":`},
		{`{"a":{"dtype":"U8","shape":[00],"data_offsets":[0,0]}}`, ``, `is not as in the canonical`},
		{`{"a":{"dtype":"U8","shape":[1e0],"data_offsets":[0,1]}}`, `x`, `want ]`},
		{`{"a":{"dtype":"U8","shape":[1.0],"data_offsets":[0,1]}}`, `x`, `want ]`},
		{`{"\u0061":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ``, `header byte 2 is not as`},
		{`{"\u00c3\u00a9":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ``, `header byte 2 is not as`},
		{`{"\u000a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ``, `header byte 3 is not as`},
		{`{"\u001F":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ``, `header byte 7 is not as`},
		{"{\"\n\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", ``, `header byte 2 is not as`},
		{`{"\/":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ``, `header byte 3: want an escape`},
		{`{"\ud800":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ``, `want an escape`},
		{"{\"\xff\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}", ``, `header byte 2: want UTF-8`},
		// Unknown, missing and repeated keys, names out of order.
		{`{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0],"x":1}}`, ``, `want }`},
		{`{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ``, `want ,"shape":`},
		{`{"a":{"dtype":"U8","shape":[0]}}`, ``, `want ,"data_offsets":`},
		{`{` + a + `,` + a + `}`, `x`, `tensor "a": it follows "a", want increasing names`},
		{`{"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},` + a + `}`, `x`, `tensor "a": it follows "b"`},
		{`{"":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ``, `a tensor has an empty name`},
		{`{"__metadata__":{}}`, ``, `__metadata__ is empty`},
		{`{"__metadata__":{"k":"v"},"__metadata__":{"k":"v"}}`, ``, `__metadata__ occurs twice`},
		{`{` + a + `,"__metadata__":{"k":"v"}}`, `x`, `__metadata__ follows a tensor`},
		{`{"__metadata__":{"k":"v","k":"v"}}`, ``, `metadata "k" follows "k", want increasing keys`},
		{`{"__metadata__":{"l":"v","k":"v"}}`, ``, `metadata "k" follows "l"`},
		{`{"__metadata__":{"k":1}}`, ``, `want "`},
		{`{"__metadata__":null}`, ``, `want {`},
		// Values.
		{`{"a":{"dtype":"u8","shape":[0],"data_offsets":[0,0]}}`, ``, `tensor "a": dtype "u8" is not known`},
		{`{"a":{"dtype":"BF16","shape":[0],"data_offsets":[0,0]}}`, ``, `dtype "BF16" is not known`},
		{`{"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}}`, ``, `want an integer >= 0 that fits an int`},
		{`{"a":{"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,0]}}`, ``, `want an integer >= 0`},
		{`{"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, ``, `takes more than`},
		{`{"a":{"dtype":"U8","shape":[0,4294967296,4294967296],"data_offsets":[0,0]}}`, ``, `takes more than`},
		{`{"a":{"dtype":"I64","shape":[2305843009213693952],"data_offsets":[0,0]}}`, ``, `takes more than`},
		{`{"a":{"dtype":"U8","shape":[` + strings.Repeat("0,", 64) + `0],"data_offsets":[0,0]}}`, ``, `want at most 64 integers`},
		{`{"` + strings.Repeat("x", 1025) + `":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}`, ``, `the name has 1025 bytes, limit 1024`},
		// Offsets.
		{`{` + a + `}`, ``, `tensor "a": U8 of shape [1] takes 1 bytes, only 0 are left`},
		{`{` + a + `}`, `xy`, `1 bytes follow the data of the last tensor, want 0`},
		{`{}`, `x`, `1 bytes follow the data of the last tensor, want 0`},
		{`{"a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, `xy`, `data_offsets are [1 2], want [0 1]`},
		{`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,2]}}`, `xy`, `data_offsets are [0 2], want [0 1]`},
		{`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0]}}`, `x`, `data_offsets are [0], want [0 1]`},
		{`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1,1]}}`, `x`, `want at most 2 integers`},
		{`{` + a + `,"b":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, `xy`, `tensor "b": data_offsets are [0 1], want [1 2]`},
	}
	for _, test := range tests {
		f, err := Decode(assemble(test.header, test.data), DefaultLimits)
		if f != nil || err == nil || !strings.HasPrefix(err.Error(), "safetensors: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("header %s: got %v, %v, want an error with %s", test.header, f, err, test.want)
		}
	}
}

func TestDecodeLimits(t *testing.T) {
	exact := Limits{MaxBytes: int64(len(golden)), MaxTensors: 4, MaxHeader: int64(len(goldenHeader))}
	if _, err := Decode(golden, exact); err != nil {
		t.Errorf("at the limits: %v", err)
	}
	tests := []struct {
		shrink func(*Limits)
		want   string
	}{
		{func(l *Limits) { l.MaxBytes-- }, "file has 310 bytes, limit 309"},
		{func(l *Limits) { l.MaxTensors-- }, `tensor "weight": there are more tensors than the limit 3`},
		{func(l *Limits) { l.MaxHeader-- }, "header has 288 bytes, limit 287"},
		{func(l *Limits) { *l = Limits{} }, "limit 0"},
		{func(l *Limits) { *l = Limits{-1, -1, -1} }, "limit -1"},
	}
	for _, test := range tests {
		l := exact
		test.shrink(&l)
		if _, err := Decode(golden, l); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("limits %+v: got %v, want an error with %q", l, err, test.want)
		}
	}
	long := slices.Clone(golden)
	for _, n := range []uint64{math.MaxUint64, math.MaxInt64, uint64(len(golden))} {
		binary.LittleEndian.PutUint64(long, n)
		if _, err := Decode(long, DefaultLimits); err == nil || !strings.Contains(err.Error(), "header has") {
			t.Errorf("header length %d: got %v, want an error", n, err)
		}
	}
}

func TestTruncated(t *testing.T) {
	for n := range golden {
		if f, err := Decode(golden[:n], DefaultLimits); err == nil {
			t.Errorf("the first %d bytes decode to %v", n, f)
		}
	}
}

// TestAltered gives every byte of a file every value. Many changes, such as of
// data or of letters in names, give another file; that must be canonical too.
func TestAltered(t *testing.T) {
	accepted := 0
	for i := range golden {
		b := slices.Clone(golden)
		for x := range 256 {
			b[i] = byte(x)
			if checkCanonical(t, b, DefaultLimits) {
				accepted++
			}
		}
	}
	// All values of the 14 data bytes are among them.
	if accepted < 14*256 {
		t.Errorf("%d altered files decode, want at least %d", accepted, 14*256)
	}
}

// checkCanonical reports whether b decodes, and if it does checks that encoding
// gives b again.
func checkCanonical(t *testing.T, b []byte, l Limits) bool {
	t.Helper()
	f, err := Decode(b, l)
	if err != nil {
		if f != nil {
			t.Errorf("%q: got a file with error %v", b, err)
		}
		return false
	}
	again, err := Encode(f)
	if err != nil || !bytes.Equal(again, b) {
		t.Errorf("%q is accepted but encodes as %q, %v", b, again, err)
	}
	return true
}

// TestDataAliases checks that tensors share the input's memory but that
// appending to one does not reach into the next.
func TestDataAliases(t *testing.T) {
	b := slices.Clone(golden)
	f, err := Decode(b, DefaultLimits)
	if err != nil {
		t.Fatal(err)
	}
	bias := f.Tensors[0]
	if &bias.Data[0] != &b[8+len(goldenHeader)] || cap(bias.Data) != len(bias.Data) {
		t.Errorf("data at %p with capacity %d, want %p with %d", bias.Data, cap(bias.Data), &b[8+len(goldenHeader)], len(bias.Data))
	}
}

// allocated returns the bytes that f allocates, with a little noise from the runtime.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// maxAllocated bounds what Decode may allocate for n bytes of input. The most for
// a byte is for short pairs of metadata: 32 for 7 bytes of header, sorted once
// for the comparison, and all of it times the growth of maps and slices. The
// constant term is for noise.
func maxAllocated(n int) uint64 { return 64*uint64(n) + 1<<20 }

func TestDecodeAllocations(t *testing.T) {
	const n = 1 << 18
	pairs := make([]byte, 0, 16*n)
	for i := range n {
		pairs = append(pairs, `"`+string(rune(0x10000+i))+`":"",`...)
	}
	tests := map[string][]byte{
		"data":       assemble(`{"a":{"dtype":"U8","shape":[4194304],"data_offsets":[0,4194304]}}`, strings.Repeat("x", 1<<22)),
		"dimensions": assemble(`{"a":{"dtype":"U8","shape":[0`+strings.Repeat(",0", n)+`],"data_offsets":[0,0]}}`, ""),
		"offsets":    assemble(`{"a":{"dtype":"U8","shape":[],"data_offsets":[0`+strings.Repeat(",0", n)+`]}}`, ""),
		"shape":      assemble(`{"a":{"dtype":"U8","shape":[1000000000000],"data_offsets":[0,1000000000000]}}`, ""),
		"metadata":   assemble(`{"__metadata__":{`+string(pairs[:len(pairs)-1])+`}}`, ""),
		"escapes":    assemble(`{"`+strings.Repeat(`\n`, n)+`":0}`, ""),
	}
	for name, b := range tests {
		var err error
		if got, limit := allocated(func() { _, err = Decode(b, DefaultLimits) }), maxAllocated(len(b)); got > limit {
			t.Errorf("%s: %d bytes allocated for %d, limit %d", name, got, len(b), limit)
		} else {
			t.Logf("%s: %d bytes allocated for %d, error %.100v", name, got, len(b), err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	limits := Limits{MaxBytes: 1 << 20, MaxTensors: 16, MaxHeader: 1 << 16}
	edits.Fuzz(f, [][]byte{
		golden,
		assemble(`{"__metadata__":{"a":"\u001f","b":"\\"}}`, ``),
		assemble(`{"a":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]}}`, `0123456789abcdef`),
	}, edits.JSON, nil, func(t *testing.T, b []byte) {
		if got := allocated(func() { Decode(b, limits) }); got > maxAllocated(len(b)) {
			t.Errorf("%d bytes allocated for %d, limit %d", got, len(b), maxAllocated(len(b)))
		}
		checkCanonical(t, b, limits)
	}, string(assemble(`{}`, ``)), string(assemble(`{"a":{"dtype":"U8","shape":[4294967296,0],"data_offsets":[0,0]}}`, ``)))
}
