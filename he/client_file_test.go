package he_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/encode"
	"qtool/he"
	"qtool/he/wire"
	"qtool/he/wire/wiretest"
	"qtool/internal/edits"
	"qtool/quant"
)

// someSpec is a client half of a back end that is none, for pictures or for sentences.
func someSpec(t testing.TB, text bool) *he.ClientSpec {
	t.Helper()
	q, err := quant.Affine(0, 1, 4)
	if err != nil {
		t.Fatal(err)
	}
	s := &he.ClientSpec{
		Program: [32]byte{1, 31: 2}, Plan: [32]byte{3, 31: 4}, Input: bundle.Input{Shape: []int{1, 2, 2}, Quantizer: q},
		Output: bundle.Node{Name: "fc", Shape: []int{2}, Scale: []float64{0.25, 1e-300}, Range: bundle.NewRange(-7, 1<<40)},
		Labels: []string{"no", "yes & <b>"}, SecurityBits: 128,
		ClientPart: he.ClientPart{
			Executor: "fake", Backend: "none", Sizes: he.Sizes{Samples: 3, Inputs: 100, Outputs: 1 << 40, Keys: 0},
			LogFailure: -130.5, Parameters: json.RawMessage(`{"log_n":13}`),
		},
	}
	if text {
		s.Input.Shape = []int{2, 1}
		words := encode.NewVocabulary(slices.Values([][]string{{"a", "good", "film"}}), nil, 1)
		s.Encoder = &encode.Text{Vocabulary: words, Selection: encode.Selection{Kind: "first", Steps: 2}, Bits: 4, Dimensions: 1, Vectors: []int16{0, 1, 5}}
		return s
	}
	if s.Encoder, err = encode.NewPixels(s.Input.Shape, []float32{0.5}, []float32{0.25}); err != nil {
		t.Fatal(err)
	}
	return s
}

func writtenSpec(t testing.TB, s *he.ClientSpec) wiretest.Written {
	t.Helper()
	var b bytes.Buffer
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	return wiretest.Written{Data: b.Bytes(), Again: func(r io.Reader) ([]byte, error) {
		s, err := he.ReadClientSpec(r)
		if err != nil {
			return nil, err
		}
		var again bytes.Buffer
		if err := s.Write(&again); err != nil {
			panic(err)
		}
		return again.Bytes(), nil
	}}
}

// A client half comes back as it was, encoder included, and everything in it counts for
// its hash.
func TestClientSpecFile(t *testing.T) {
	for _, text := range []bool{false, true} {
		want := someSpec(t, text)
		o := writtenSpec(t, want)
		got, err := he.ReadClientSpec(bytes.NewReader(o.Data))
		if err != nil {
			t.Fatal(err)
		}
		sample := map[bool]string{false: "\x00\x40\xff\x80", true: "good film"}[text]
		a, errA := want.Encoder.Encode([]byte(sample))
		b, errB := got.Encoder.Encode([]byte(sample))
		if errA != nil || errB != nil || !slices.Equal(a, b) {
			t.Errorf("the encoder gives %v (%v), want %v (%v)", b, errB, a, errA)
		}
		hash, err := want.Hash()
		if again, e := got.Hash(); err != nil || e != nil || again != hash {
			t.Errorf("hash %x (%v), want %x (%v)", again, e, hash, err)
		}
		got.Encoder = want.Encoder
		if !reflect.DeepEqual(got, want) {
			t.Errorf("read %+v, want %+v", got, want)
		}
		wiretest.CheckObjects(t, map[wire.Kind]wiretest.Written{wire.ClientHalf: o})
	}
	hashes := map[[32]byte]string{}
	for name, change := range map[string]func(*he.ClientSpec){
		"nothing": func(*he.ClientSpec) {}, "program": func(s *he.ClientSpec) { s.Program[9]++ }, "plan": func(s *he.ClientSpec) { s.Plan[9]++ },
		"quantizer": func(s *he.ClientSpec) { s.Input.Quantizer.Scale *= 2 }, "output": func(s *he.ClientSpec) { s.Output.Scale[0] = 1 },
		"label": func(s *he.ClientSpec) { s.Labels[1] = "no" }, "security": func(s *he.ClientSpec) { s.SecurityBits-- },
		"executor": func(s *he.ClientSpec) { s.Executor += "2" }, "back end": func(s *he.ClientSpec) { s.Backend += "2" },
		"sizes": func(s *he.ClientSpec) { s.Sizes.Keys++ }, "failure": func(s *he.ClientSpec) { s.LogFailure-- },
		"parameters": func(s *he.ClientSpec) { s.Parameters = json.RawMessage(`{"log_n":14}`) },
		"encoder":    func(s *he.ClientSpec) { s.Encoder = someSpec(t, true).Encoder },
	} {
		s := someSpec(t, false)
		change(s)
		hash, err := s.Hash()
		if err != nil {
			t.Fatal(err)
		}
		if other, ok := hashes[hash]; ok {
			t.Errorf("another %s and another %s have one hash", name, other)
		}
		hashes[hash] = name
	}
}

// forged is a client half with another text in the place of the first one in its JSON.
func forged(data []byte, old, with string) []byte {
	return wiretest.Changed(data, func(head, payload []byte) ([]byte, []byte) {
		n := binary.LittleEndian.Uint32(payload)
		j := bytes.Replace(payload[4:4+n], []byte(old), []byte(with), 1)
		return head, slices.Concat(binary.LittleEndian.AppendUint32(nil, uint32(len(j))), j, payload[4+n:])
	})
}

// A client half that says what none says is refused, with the reason.
func TestClientSpecRefused(t *testing.T) {
	data := writtenSpec(t, someSpec(t, false)).Data
	for _, c := range []struct{ old, with, want string }{
		{`{"executor"`, `{ "executor"`, "canonical"},
		{`"executor":"fake"`, `"Executor":"fake"`, "canonical"},
		{`{"log_n":13}`, `{"log_n": 13}`, "canonical"},
		{`"executor":"fake",`, `"executor":"fake","executor":"fake",`, "canonical"},
		{`"executor":"fake",`, `"executor":"fake","weights":[],`, "unknown field"},
		{`"program":"01`, `"program":"0`, "no SHA-256"},
		{`"plan":"03`, `"plan":"zz`, "no SHA-256"},
		{`"shape":[1,2,2]`, `"shape":[1,2,3]`, "the encoder makes tensors of shape"},
		{`"shape":[1,2,2]`, `"shape":[65536,65536,65536]`, "input"},
		{`"shape":[2]`, `"shape":[3]`, "for 2 labels"},
		{`"scale":[0.25,1e-300]`, `"scale":[0.25,0]`, "scale"},
		{`"range":[-7,`, `"range":[1099511627777,`, "not an ordered pair"},
		{`"range":[-7,1099511627776]`, `"range":null`, "range"},
		{`"samples":3`, `"samples":0`, "0 samples"},
		{`"samples":3`, `"samples":1048577`, "1048577 samples"},
		{`"inputs":100`, `"inputs":-1`, "-1 bytes of inputs"},
		{`"outputs":1099511627776`, `"outputs":1099511627777`, "of outputs"},
		{`"security_bits":128`, `"security_bits":-1`, "-1 bits"},
		{`"log2_failure_probability":-130.5`, `"log2_failure_probability":0.5`, "2^0.5"},
		{`"log2_failure_probability":-130.5`, `"log2_failure_probability":-1e999`, "-1e999"},
	} {
		if !bytes.Contains(data, []byte(c.old)) {
			t.Errorf("there is no %s", c.old)
		}
		s, err := he.ReadClientSpec(bytes.NewReader(forged(data, c.old, c.with)))
		if s != nil || err == nil || !strings.Contains(err.Error(), "he: client half: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s for %s: %v, want %q", c.with, c.old, err, c.want)
		}
	}
	if _, err := he.ReadClientSpec(strings.NewReader("")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("an empty file: %v", err)
	}
	if _, err := he.ReadClientSpec(bytes.NewReader(append(bytes.Clone(data), 'x'))); err == nil || !strings.Contains(err.Error(), "goes on after its end") {
		t.Errorf("a byte behind the end: %v", err)
	}
	for n, want := range map[uint32]string{1 << 30: "JSON of 1073741824 bytes passes", 1 << 10: "ends at byte"} {
		b := wiretest.Changed(data, func(head, payload []byte) ([]byte, []byte) {
			binary.LittleEndian.PutUint32(payload, n)
			return head, payload
		})
		if _, err := he.ReadClientSpec(bytes.NewReader(b)); err == nil {
			t.Errorf("a JSON of %d bytes: %v, want %q", n, err, want)
		}
	}
}

// Parameters beyond the limit are not written.
func TestClientSpecTooLarge(t *testing.T) {
	s := someSpec(t, false)
	s.Parameters = json.RawMessage(`"` + strings.Repeat("x", he.MaxParameters) + `"`)
	if err := s.Write(io.Discard); err == nil || !strings.Contains(err.Error(), "pass the limits") {
		t.Errorf("%d bytes of parameters: %v", len(s.Parameters), err)
	}
}

func FuzzReadClientSpec(f *testing.F) {
	objects := []wiretest.Written{writtenSpec(f, someSpec(f, false)), writtenSpec(f, someSpec(f, true))}
	head, payload := wiretest.Plain(objects[0].Data)
	n := 4 + binary.LittleEndian.Uint32(payload)
	behind := payload[n:]
	originals := [][]byte{objects[0].Data, objects[1].Data, payload[4:n]} // and the JSON alone
	seal := func(b []byte) []byte {
		if len(b) == 0 || b[0] != '{' {
			return b // a whole object
		}
		return wiretest.Sealed(head, slices.Concat(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), b, behind))
	}
	words := append(slices.Clip(edits.JSON), `"shape":`, `[1,2,2]`, `"program":`, `128`, `"parameters":{}`)
	edits.Fuzz(f, originals, words, seal, func(t *testing.T, b []byte) {
		if again, err := objects[0].Again(bytes.NewReader(b)); err == nil && !bytes.Equal(again, b) {
			t.Error("a client half is read but encodes differently")
		}
	})
}
