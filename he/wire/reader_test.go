package wire

import (
	"bytes"
	"errors"
	"io"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

var format = Format{Package: "test", Magic: "qtooltst", Version: 1, Kinds: []string{"key"}}

// open is a reader of an object with a payload, behind its header; cut is what is
// missing at its end.
func open(t *testing.T, cut int, payload ...[]uint64) *Reader {
	t.Helper()
	var b bytes.Buffer
	out := format.NewWriter(&b, &Header{Kind: 1})
	for _, words := range payload {
		out.Words64(words)
	}
	if _, err := out.End(); err != nil {
		t.Fatal(err)
	}
	in, _, err := format.NewReader(bytes.NewReader(b.Bytes()[:b.Len()-cut]), &Header{Kind: 1}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// Words come as they were written, whatever their number is to the steps in which
// memory grows.
func TestNewWords(t *testing.T) {
	for _, n := range []int{0, 1, chunk - 1, chunk, chunk + 1, 4 * chunk, 4*chunk + 1, 17 * chunk} {
		words := make([]uint64, n)
		for i := range words {
			words[i] = uint64(i) * 0x9e3779b97f4a7c15
		}
		in := open(t, 0, words)
		got := in.NewWords64(n, math.MaxUint64)
		if err := in.End(); err != nil || len(got) != n || cap(got) != n {
			t.Fatalf("%d words: %d of capacity %d, %v", n, len(got), cap(got), err)
		}
		for i, w := range got {
			if w != words[i] {
				t.Fatalf("%d words: word %d is %x, want %x", n, i, w, words[i])
			}
		}
		in = open(t, 0, words)
		halves := in.NewWords32(2*n, math.MaxUint32)
		if err := in.End(); err != nil || len(halves) != 2*n {
			t.Fatalf("%d words of 32 bits: %d, %v", 2*n, len(halves), err)
		}
		for i, w := range words {
			if got := uint64(halves[2*i]) | uint64(halves[2*i+1])<<32; got != w {
				t.Fatalf("%d words: halves %d are %x, want %x", n, i, got, w)
			}
		}
	}
}

// A terabyte that does not come takes no more memory than a multiple of what does,
// and the error says where it ended.
func TestNewWordsGrow(t *testing.T) {
	head := format.headerBytes()
	for _, have := range []int{0, 5, chunk, 20 * chunk} {
		in := open(t, 32, make([]uint64, have))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := in.NewWords64(1<<37, 2)
		again := in.NewWords32(1<<38, 2)
		runtime.ReadMemStats(&after)
		if got != nil || again != nil || !errors.Is(in.Err(), io.ErrUnexpectedEOF) || !errors.Is(in.End(), io.ErrUnexpectedEOF) {
			t.Errorf("%d words: %d and %d, %v", have, len(got), len(again), in.Err())
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<18+8*8*uint64(have) {
			t.Errorf("%d words: %d bytes of memory", have, used)
		}
		if want := head + 8*have; !strings.Contains(in.Err().Error(), "test: key is truncated at byte "+strconv.Itoa(want)+":") {
			t.Errorf("%d words: %v, want byte %d", have, in.Err(), want)
		}
	}
}

// A residue that is not reduced is named with its place.
func TestResidueOutOfRange(t *testing.T) {
	words := make([]uint64, 3*chunk)
	words[2*chunk+7] = 12
	in := open(t, 0, words)
	if got := in.NewWords64(len(words), 12); got != nil || in.Err() == nil || !strings.Contains(in.Err().Error(), "the residue 12 at byte "+strconv.Itoa(format.headerBytes()+8*(2*chunk+7))+", want less than 12") {
		t.Errorf("%v", in.Err())
	}
}
