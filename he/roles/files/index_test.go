package files

import (
	"bytes"
	"strings"
	"testing"

	"qtool/he/wire"
)

// FuzzIndex holds what is read to what is written: an index that is accepted is written
// with the same bytes, names no file outside its folder, and its counts are right.
func FuzzIndex(f *testing.F) {
	x := listed(wire.Object{Kind: wire.Inputs, Spec: [32]byte{1}, Key: wire.KeyID{2}, Message: wire.Message{Stream: wire.StreamID{3}}})
	for i := range 3 {
		x.Messages = append(x.Messages, Listing{messageFile(i), 2, wire.Size(100), strings.Repeat("0a", 32)})
		x.Samples += 2
	}
	b, err := x.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	for _, part := range [][2]string{{`"samples": 6`, `"samples": -6`}, {"00000001.qbm", "../00001.qbm"}, {`"inputs"`, `"outputs"`}, {`"schema": 1`, `"schema": 9`}, {"\n", "\n\n"}} {
		f.Add(bytes.Replace(b, []byte(part[0]), []byte(part[1]), 1))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := decodeIndex(b)
		if err != nil {
			return
		}
		if again, err := x.encode(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%q is written as %q, %v", b, again, err)
		}
		samples := int64(0)
		for i, m := range x.Messages {
			samples += int64(m.Samples)
			o, err := x.object(i)
			if err != nil || m.File != messageFile(i) || o.Message.Last != (i == len(x.Messages)-1) {
				t.Errorf("message %d is %+v, %+v, %v", i, m, o, err)
			}
		}
		if samples != x.Samples || samples == 0 {
			t.Errorf("%d samples, listed %d", x.Samples, samples)
		}
	})
}
