package wire

import (
	"bytes"
	"math"
	"strconv"
	"strings"
	"testing"
)

// open is a reader of evaluation keys with a payload, of which cut bytes are missing at the
// end of the file.
func open(t *testing.T, cut int, payload ...[]uint64) *Reader {
	t.Helper()
	var b bytes.Buffer
	n := 0
	for _, words := range payload {
		n += 8 * len(words)
	}
	out := Create(&b, Object{Kind: EvaluationKeys, Length: int64(n)})
	for _, words := range payload {
		out.Words64(words)
	}
	if _, err := out.End(); err != nil {
		t.Fatal(err)
	}
	in, err := Open(bytes.NewReader(b.Bytes()[:b.Len()-cut]))
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

// A residue that is not reduced is named with its place.
func TestResidueOutOfRange(t *testing.T) {
	words := make([]uint64, 3*chunk)
	words[2*chunk+7] = 12
	in := open(t, 0, words)
	if got := in.NewWords64(len(words), 12); got != nil || in.Err() == nil || !strings.Contains(in.Err().Error(), "the residue 12 at byte "+strconv.Itoa(8*(2*chunk+7))+" of its payload, want less than 12") {
		t.Errorf("%v", in.Err())
	}
}

// What is kept is given as it would have been read, and ends where it would have ended.
func TestKeep(t *testing.T) {
	payload := make([]byte, 3*chunkBytes+17)
	for i := range payload {
		payload[i] = byte(i * 7)
	}
	var b bytes.Buffer
	w := Create(&b, Object{Kind: Inputs, Length: int64(len(payload))})
	w.Bytes(payload)
	if _, err := w.End(); err != nil {
		t.Fatal(err)
	}
	object := b.Bytes()
	r, err := Open(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Bytes(1000); !bytes.Equal(got, payload[:1000]) {
		t.Error("the beginning differs")
	}
	if err := r.Keep(); err != nil {
		t.Fatal(err)
	}
	if r.End() == nil {
		t.Error("what is kept and not read goes unnoticed")
	}
	r, err = Open(bytes.NewReader(object))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Keep(); err != nil {
		t.Fatal(err)
	}
	if got := r.NewBytes(len(payload)); !bytes.Equal(got, payload) || r.EndOfFile() != nil {
		t.Errorf("what was kept differs, or does not end: %v", r.Err())
	}
	if r.Bytes(1); r.Err() == nil {
		t.Error("more is read than there is")
	}
	object[len(object)-40] ^= 1
	if r, err = Open(bytes.NewReader(object)); err != nil {
		t.Fatal(err)
	}
	if r.Keep() == nil {
		t.Error("a flipped bit is kept")
	}
}
