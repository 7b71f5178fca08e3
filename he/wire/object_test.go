package wire

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// sizes are lengths of payloads around the borders of chunks.
var sizes = []int{0, 1, 31, 32, 33, chunkBytes - 1, chunkBytes, chunkBytes + 1, 2*chunkBytes - 32, 2 * chunkBytes, 3*chunkBytes + 7}

// randomBytes are n bytes.
func randomBytes(n int) []byte {
	rng, b := rand.New(rand.NewPCG(uint64(n), 1)), make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

// someObject is an object of inputs with all fields in use.
func someObject(length int) Object {
	return Object{Kind: Inputs, Spec: [32]byte{1, 31: 2}, Key: KeyID{3, 15: 4}, Message: Message{StreamID{5, 15: 6}, 7, 8, true}, Length: int64(length)}
}

// written is an object as it is written, its payload in pieces of so many bytes.
func written(t testing.TB, o Object, payload []byte, piece int) []byte {
	t.Helper()
	var b bytes.Buffer
	out := Create(&b, o)
	for part := range slices.Chunk(payload, piece) {
		out.Bytes(part)
	}
	n, err := out.End()
	if err != nil || n != int64(b.Len()) || n != Size(o.Length) {
		t.Fatalf("%d bytes of payload: wrote %d of %d bytes, want %d: %v", o.Length, n, b.Len(), Size(o.Length), err)
	}
	return b.Bytes()
}

// payload reads all of an object.
func payload(r io.Reader) (o Object, b []byte, err error) {
	in, err := Open(r)
	if err != nil {
		return o, nil, err
	}
	o = in.Object()
	if o.Length > math.MaxInt32 {
		return o, nil, fmt.Errorf("an object of %d bytes", o.Length)
	}
	b = in.NewBytes(int(o.Length))
	return o, b, in.EndOfFile()
}

// Objects come as they were written, whatever their length is to chunks, in whatever
// pieces they are written and read.
func TestObjects(t *testing.T) {
	for _, n := range sizes {
		want, o := randomBytes(n), someObject(n)
		data := written(t, o, want, chunkBytes)
		for _, piece := range []int{1000, chunkBytes + 3, 1 << 20} {
			if !bytes.Equal(written(t, o, want, piece), data) {
				t.Errorf("%d bytes in pieces of %d are written differently", n, piece)
			}
		}
		for name, r := range map[string]io.Reader{
			"at once": bytes.NewReader(data), "in halves": iotest.HalfReader(bytes.NewReader(data)), "with the end": iotest.DataErrReader(bytes.NewReader(data)),
		} {
			got, b, err := payload(r)
			if err != nil || got != o || !bytes.Equal(b, want) {
				t.Errorf("%d bytes %s: %+v, %d bytes, %v", n, name, got, len(b), err)
			}
		}
	}
}

// The words of an object are those that were written, across the borders of chunks.
func TestObjectWords(t *testing.T) {
	const n = chunkBytes/8 + 5
	wide, narrow := make([]uint64, n), make([]uint32, n)
	for i := range wide {
		wide[i], narrow[i] = uint64(i)*0x9e3779b97f4a7c15, uint32(i)*0x9e3779b9
	}
	var b bytes.Buffer
	out := Create(&b, Object{Kind: EvaluationKeys, Length: 3 + 12*n})
	out.Bytes([]byte("abc"))
	out.Words64(wide)
	out.Words32(narrow)
	if _, err := out.End(); err != nil {
		t.Fatal(err)
	}
	in, err := Open(&b)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(in.Bytes(3)); got != "abc" {
		t.Errorf("begins with %q", got)
	}
	w, v := in.NewWords64(n, math.MaxUint64), in.NewWords32(n, math.MaxUint32)
	if err := in.EndOfFile(); err != nil || !slices.Equal(w, wide) || !slices.Equal(v, narrow) {
		t.Errorf("words changed on the way, %v", err)
	}
}

// A writer that writes more or less than it said has an error.
func TestObjectOfAnotherLength(t *testing.T) {
	for _, n := range sizes {
		for _, d := range []int{-1, 1} {
			if n+d < 0 {
				continue
			}
			out := Create(io.Discard, Object{Kind: Inputs, Length: int64(n)})
			out.Bytes(make([]byte, n+d))
			if _, err := out.End(); err == nil || !strings.Contains(err.Error(), "1 bytes "+map[int]string{-1: "fewer", 1: "more"}[d]) {
				t.Errorf("%d bytes where %d were said: %v", n+d, n, err)
			}
		}
	}
}

// A disk that fills up is an error that is not lost.
func TestObjectOnAFullDisk(t *testing.T) {
	full := errors.New("no space left")
	for _, room := range []int{0, 100, headBytes, headBytes + chunkBytes, headBytes + 2*chunkBytes} {
		out := Create(&disk{room, full}, Object{Kind: Inputs, Length: 3 * chunkBytes})
		out.Words64(make([]uint64, 3*chunkBytes/8))
		if _, err := out.End(); !errors.Is(err, full) {
			t.Errorf("room for %d bytes: %v", room, err)
		}
	}
}

type disk struct {
	room int
	err  error
}

func (d *disk) Write(b []byte) (int, error) {
	n := min(len(b), d.room)
	if d.room -= n; n < len(b) {
		return n, d.err
	}
	return n, nil
}

// cutPlaces are lengths at which to cut a file: all up to behind the head, then around
// every border of a chunk, and some anywhere.
func cutPlaces(size int) (all []int) {
	rng := rand.New(rand.NewPCG(uint64(size), 2))
	for n := range min(size, headBytes+300) {
		all = append(all, n)
	}
	for at := headBytes; at < size; at += chunkBytes + 32 {
		for d := -34; d <= 2; d++ {
			if n := at + d; n >= 0 && n < size {
				all = append(all, n)
			}
		}
	}
	for range 20 {
		all = append(all, rng.IntN(size))
	}
	return append(all, size-33, size-32, size-1)
}

// An object that is cut anywhere is refused, with the place. Nothing at all is io.EOF.
func TestCutObject(t *testing.T) {
	for _, size := range sizes {
		data := written(t, someObject(size), randomBytes(size), chunkBytes)
		for _, n := range cutPlaces(len(data)) {
			_, _, err := payload(bytes.NewReader(data[:n]))
			if n == 0 {
				if err != io.EOF {
					t.Errorf("nothing: %v", err)
				}
				continue
			}
			if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.HasSuffix(err.Error(), fmt.Sprintf("is truncated at byte %d: unexpected EOF", n)) {
				t.Errorf("%d of %d bytes: %v", n, len(data), err)
			}
		}
		if _, _, err := payload(bytes.NewReader(append(bytes.Clone(data), 0))); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("goes on after its end at byte %d", len(data))) {
			t.Errorf("%d bytes and one behind them: %v", len(data), err)
		}
	}
}

// The error of a reader comes through.
func TestReadingFails(t *testing.T) {
	data, broken := written(t, someObject(2*chunkBytes), randomBytes(2*chunkBytes), chunkBytes), errors.New("broken")
	for _, n := range []int{0, 5, headBytes - 1, headBytes, headBytes + chunkBytes + 3} {
		_, _, err := payload(io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), fmt.Sprintf("at byte %d", n)) {
			t.Errorf("broken at byte %d: %v", n, err)
		}
	}
}

// A flipped bit is found before anything of its chunk is given.
func TestFlippedBits(t *testing.T) {
	const size = chunkBytes + 100
	want := randomBytes(size)
	data := written(t, someObject(size), want, chunkBytes)
	rng := rand.New(rand.NewPCG(3, 3))
	for k := range headBytes + 100 {
		at := k
		if k >= headBytes {
			at = rng.IntN(len(data))
		}
		damaged := bytes.Clone(data)
		damaged[at] ^= 1 << rng.IntN(8)
		in, err := Open(bytes.NewReader(damaged))
		if at < headBytes {
			if err == nil {
				t.Errorf("a flipped bit in byte %d of the head goes unnoticed", at)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		var got []byte
		for len(got) < size {
			b := in.Bytes(min(100, size-len(got)))
			if in.Err() != nil {
				break
			}
			got = append(got, b...)
		}
		if in.End() == nil || !strings.Contains(in.Err().Error(), "is damaged before byte") {
			t.Errorf("a flipped bit in byte %d goes unnoticed: %v", at, in.Err())
		}
		if !bytes.Equal(got, want[:len(got)]) {
			t.Errorf("with a flipped bit in byte %d, what was given is not what was written", at)
		}
	}
}

// Chunks that change places, come twice or are left out are found, though each has a
// check behind it; so is a chunk of another object.
func TestMovedChunks(t *testing.T) {
	const n, width = 4, chunkBytes + 32
	data := written(t, someObject(n*chunkBytes), randomBytes(n*chunkBytes), chunkBytes)
	other := someObject(n * chunkBytes)
	other.Message.Index++
	stranger := written(t, other, randomBytes(n*chunkBytes), chunkBytes)
	chunkOf := func(data []byte, i int) []byte { return data[headBytes+i*width : headBytes+(i+1)*width] }
	for name, order := range map[string][]int{"swapped": {0, 2, 1, 3}, "repeated": {0, 1, 1, 3}, "left out": {0, 1, 3}, "another's": {0, -1, 2, 3}} {
		b := bytes.Clone(data[:headBytes])
		for k, i := range order {
			if i < 0 {
				b = append(b, chunkOf(stranger, k)...)
			} else {
				b = append(b, chunkOf(data, i)...)
			}
		}
		if _, _, err := payload(bytes.NewReader(b)); err == nil || !strings.Contains(err.Error(), "damaged") {
			t.Errorf("a chunk is %s: %v", name, err)
		}
	}
}

// Heads that are right but say what no object says are refused.
func TestImpossibleHeads(t *testing.T) {
	place := Message{Index: 1}
	for want, o := range map[string]Object{
		"unknown kind 0":                       {},
		"unknown kind 9":                       {Kind: 9},
		"keys with the place of a message":     {Kind: EvaluationKeys, Message: place},
		"secret key with the place":            {Kind: SecretKey, Message: Message{Last: true}},
		"client half with the place":           {Kind: ClientHalf, Message: Message{Samples: 1}},
		"client half with the id of a key":     {Kind: ClientHalf, Key: KeyID{1}},
		"server half with the id of a key":     {Kind: ServerHalf, Key: KeyID{1}},
		"client half with the hash of another": {Kind: ClientHalf, Spec: [32]byte{1}},
		"bytes":                                {Kind: Inputs, Length: -1},
	} {
		var b bytes.Buffer
		Create(&b, o)
		if in, err := Open(&b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v, %v", want, in, err)
		}
	}
	for at, want := range map[int]string{10: "flags", 11: "flags"} {
		o := someObject(0)
		b := o.encode()
		b[at] = 2
		var sealed bytes.Buffer
		c := chunkWriter{w: &sealed, hash: sha256.New()}
		c.put(b)
		c.check()
		if _, err := Open(&sealed); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("2 in byte %d: %v", at, err)
		}
	}
}

// What is no object, of an earlier version or of a later one, is named.
func TestOtherFiles(t *testing.T) {
	data := written(t, someObject(9), randomBytes(9), 9)
	later := bytes.Clone(data)
	later[8]++
	if _, err := Open(bytes.NewReader(later)); !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), "version 3, this reads 2") {
		t.Errorf("a later version: %v", err)
	}
	for _, magic := range earlier {
		if _, err := Open(strings.NewReader(magic + "\x01 and more")); !errors.Is(err, ErrVersion) || !strings.Contains(err.Error(), magic) {
			t.Errorf("version 1: %v", err)
		}
	}
	for _, b := range []string{"PK\x03\x04 a bundle", "{\"schema\": 1}", strings.Repeat("\x00", 200)} {
		if _, err := Open(strings.NewReader(b)); !errors.Is(err, ErrMagic) {
			t.Errorf("%q: %v", b, err)
		}
	}
}

// A terabyte that does not come takes no more memory than a multiple of what does.
func TestObjectsGrow(t *testing.T) {
	for _, have := range []int{0, 100, chunkBytes, 20 * chunkBytes} {
		var b bytes.Buffer
		out := Create(&b, Object{Kind: EvaluationKeys, Length: 1 << 40})
		out.Bytes(make([]byte, have))
		data := b.Bytes()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		in, err := Open(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		got := in.NewWords64(1<<37, 2)
		runtime.ReadMemStats(&after)
		if got != nil || !errors.Is(in.Err(), io.ErrUnexpectedEOF) {
			t.Errorf("%d words: %v", len(got), in.Err())
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<19+8*uint64(have) {
			t.Errorf("%d bytes: %d bytes of memory", have, used)
		}
	}
}

// Expect refuses what belongs to something else, from the head alone.
func TestExpect(t *testing.T) {
	o := someObject(100)
	data := written(t, o, randomBytes(100), 100)
	opened := func() *Reader {
		in, err := Open(bytes.NewReader(data[:headBytes])) // the payload is not needed
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	for name, c := range map[string]struct {
		change func(*Object)
		most   int
		is     error
		want   string
	}{
		"kind":     {func(o *Object) { o.Kind = Outputs }, 8, nil, "wire: inputs where outputs are wanted"},
		"spec":     {func(o *Object) { o.Spec[7]++ }, 8, ErrSpec, "wire: inputs: belongs to another client half"},
		"key":      {func(o *Object) { o.Key[7]++ }, 8, ErrKey, "wire: inputs: belongs to another secret key"},
		"length":   {func(o *Object) { o.Length++ }, 8, nil, "wire: inputs of 100 bytes, want 101"},
		"samples":  {func(*Object) {}, 7, nil, "wire: inputs with 8 samples, want 1 to 7"},
		"nothing":  {func(*Object) {}, 8, nil, ""},
		"any key":  {func(o *Object) { o.Key = KeyID{} }, 8, nil, ""},
		"messages": {func(o *Object) { o.Message = Message{} }, 8, nil, ""},
	} {
		want, in := o, opened()
		c.change(&want)
		err := in.ExpectMessage(want, c.most)
		switch {
		case c.want == "" && err == nil:
		case err == nil, err.Error() != c.want, c.is != nil && !errors.Is(err, c.is), in.Err() != err:
			t.Errorf("another %s: %v, want %q", name, err, c.want)
		}
	}
}
