package roles

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/wire"
	"qtool/he/wire/wiretest"
)

// parties are a client and a server of the fake back end.
type parties struct {
	file    *bundle.File
	client  he.Client
	server  he.Server
	keys    he.Keys
	samples []bundle.Sample
}

func newParties(t testing.TB, samples int) *parties {
	t.Helper()
	p := bundletest.New(1, 2, 1, 2, 3).Dense(4, 3).Square().Dense(3, 3).Observed()
	f := bundle.Alone(p)
	spec, half, err := Split(f, &fakePlan{f.Program, 5})
	if err != nil {
		t.Fatal(err)
	}
	all := &parties{file: f, samples: bundletest.Samples(p, samples)}
	if all.client, err = NewClient(spec); err != nil {
		t.Fatal(err)
	}
	if all.server, err = half.NewServer(context.Background()); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := all.client.WriteEvaluationKeys(context.Background(), &b, nil); err != nil {
		t.Fatal(err)
	}
	if all.keys, err = all.server.ReadKeys(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return all
}

func each(samples []bundle.Sample) iter.Seq2[bundle.Sample, error] {
	return func(yield func(bundle.Sample, error) bool) {
		for _, s := range samples {
			if !yield(s, nil) {
				return
			}
		}
	}
}

func (p *parties) encrypt(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if n, err := EncryptStream(context.Background(), p.client, each(p.samples), &b, nil, nil); err != nil || n != len(p.samples) {
		t.Fatalf("%d samples encrypted, %v", n, err)
	}
	return b.Bytes()
}

func (p *parties) evaluate(in []byte) (out []byte, n int, err error) {
	var b bytes.Buffer
	n, err = EvaluateStream(context.Background(), p.server, func(wire.Object) (he.Keys, error) { return p.keys, nil }, bytes.NewReader(in), &b, nil, nil)
	return b.Bytes(), n, err
}

func (p *parties) decrypt(out []byte, expect *wire.StreamID) (answers []bundle.Vec, err error) {
	n, err := DecryptStream(context.Background(), p.client, bytes.NewReader(out), expect, nil, func(first int, d *he.Decrypted) error {
		if first != len(answers) {
			return fmt.Errorf("sample %d comes first, want %d", first, len(answers))
		}
		answers = append(answers, d.Answers.(he.Exact)...)
		return nil
	})
	if n != len(answers) && err == nil {
		err = fmt.Errorf("%d samples, %d answers", n, len(answers))
	}
	return answers, err
}

// split takes a stream's messages apart.
func split(t testing.TB, stream []byte) (all [][]byte) {
	t.Helper()
	for r := bytes.NewReader(stream); r.Len() > 0; {
		in, err := wire.Open(r)
		if err != nil {
			t.Fatal(err)
		}
		n := int(wire.Size(in.Object().Length))
		all = append(all, stream[:n])
		stream = stream[n:]
		r = bytes.NewReader(stream)
	}
	return all
}

// Streams of any number of samples are answered as the integer program answers, in
// messages as full as they can be.
func TestStreams(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 6, 7, 31} {
		p := newParties(t, n)
		in := p.encrypt(t)
		messages := split(t, in)
		if want := (n + fakeBatch - 1) / fakeBatch; len(messages) != want {
			t.Errorf("%d samples in %d messages, want %d", n, len(messages), want)
		}
		out, count, err := p.evaluate(in)
		if err != nil || count != n {
			t.Fatalf("%d of %d samples evaluated, %v", count, n, err)
		}
		first, err := wire.Open(bytes.NewReader(in))
		if err != nil {
			t.Fatal(err)
		}
		stream := first.Object().Message.Stream
		answers, err := p.decrypt(out, &stream)
		if err != nil {
			t.Fatal(err)
		}
		bundletest.CheckExact(t, p.file.Program, p.samples, answers)
	}
}

// Two streams of the same samples have different names.
func TestStreamsHaveNames(t *testing.T) {
	p := newParties(t, 4)
	a, b := p.encrypt(t), p.encrypt(t)
	out, _, err := p.evaluate(a)
	if err != nil {
		t.Fatal(err)
	}
	in, err := wire.Open(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	other := in.Object().Message.Stream
	var wrong *StreamError
	if _, err := p.decrypt(out, &other); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "answers something else") {
		t.Errorf("answers to another stream: %v", err)
	}
}

// No samples, a sample that is none, and an error on the way are errors.
func TestEncryptStreamFails(t *testing.T) {
	p, broken := newParties(t, 7), errors.New("broken")
	encrypt := func(samples iter.Seq2[bundle.Sample, error]) (int, error) {
		return EncryptStream(context.Background(), p.client, samples, io.Discard, nil, nil)
	}
	if _, err := encrypt(each(nil)); err == nil || !strings.Contains(err.Error(), "no samples") {
		t.Errorf("no samples: %v", err)
	}
	for at := range 7 {
		_, err := encrypt(func(yield func(bundle.Sample, error) bool) {
			for i, s := range p.samples {
				if i == at && !yield(nil, broken) || !yield(s, nil) {
					return
				}
			}
		})
		if !errors.Is(err, broken) {
			t.Errorf("sample %d cannot be had: %v", at, err)
		}
	}
	bad := slices.Clone(p.samples)
	bad[4] = bad[4][1:]
	if n, err := encrypt(each(bad)); n != 3 || err == nil || !strings.Contains(err.Error(), "batch of samples 3 to 5") {
		t.Errorf("a short sample: %d samples, %v", n, err)
	}
}

// Messages that are out of order, repeated, missing, of another stream or kind, and a
// stream that is cut between two messages or goes on behind the last, are refused by both
// sides.
func TestMessagesThatDoNotFollow(t *testing.T) {
	p := newParties(t, 11)
	in, other := p.encrypt(t), p.encrypt(t)
	out, _, err := p.evaluate(in)
	if err != nil {
		t.Fatal(err)
	}
	otherOut, _, err := p.evaluate(other)
	if err != nil {
		t.Fatal(err)
	}
	sides := map[string]struct {
		messages, others, strangers [][]byte
		read                        func([]byte) error
	}{
		"server": {split(t, in), split(t, other), split(t, out), func(b []byte) error { _, _, err := p.evaluate(b); return err }},
		"client": {split(t, out), split(t, otherOut), split(t, in), func(b []byte) error { _, err := p.decrypt(b, nil); return err }},
	}
	for side, s := range sides {
		m := s.messages
		if len(m) != 4 {
			t.Fatalf("%d messages", len(m))
		}
		head := func(k, at int, v uint32) []byte {
			return wiretest.Changed(m[k], func(head, payload []byte) ([]byte, []byte) {
				if at == wiretest.LastAt {
					head[at] = byte(v)
				} else {
					binary.LittleEndian.PutUint32(head[at:], v)
				}
				return head, payload
			})
		}
		for name, c := range map[string]struct {
			at   uint32
			why  string
			list [][]byte
		}{
			"out of order":            {1, "message 2 is in its place", [][]byte{m[0], m[2], m[1], m[3]}},
			"repeated":                {2, "message 1 is in its place", [][]byte{m[0], m[1], m[1], m[2], m[3]}},
			"missing":                 {2, "message 3 is in its place", [][]byte{m[0], m[1], m[3]}},
			"the first missing":       {0, "message 1 is in its place", m[1:]},
			"the last missing":        {3, "ends before its last", m[:3]},
			"none":                    {0, "ends before its last", nil},
			"of another stream":       {2, "another stream", [][]byte{m[0], m[1], s.others[2], m[3]}},
			"of another kind":         {1, "it is a", [][]byte{m[0], s.strangers[1]}},
			"of another key":          {1, "another stream", [][]byte{m[0], head(1, wiretest.KeyAt, 7)}},
			"of another client half":  {1, "another stream", [][]byte{m[0], head(1, wiretest.SpecAt, 7)}},
			"without samples":         {1, "no samples", [][]byte{m[0], head(1, wiretest.SamplesAt, 0)}},
			"the last one not marked": {4, "ends before its last", [][]byte{m[0], m[1], m[2], head(3, wiretest.LastAt, 0)}},
		} {
			err := s.read(slices.Concat(c.list...))
			var wrong *StreamError
			if !errors.As(err, &wrong) || wrong.At != c.at || !strings.Contains(wrong.Why, c.why) {
				t.Errorf("%s: messages %s: %v, want message %d, %q", side, name, err, c.at, c.why)
			}
		}
		for name, list := range map[string][][]byte{
			"the last twice": {m[0], m[1], m[2], m[3], m[3]}, "two streams": append(slices.Clone(m), s.others...), "marked early": {m[0], head(1, wiretest.LastAt, 1), m[2], m[3]},
		} {
			if err := s.read(slices.Concat(list...)); err == nil || !strings.Contains(err.Error(), "goes on after its end") {
				t.Errorf("%s: %s: %v", side, name, err)
			}
		}
		whole := slices.Concat(m...)
		for _, n := range []int{1, 50, len(m[0]) - 1, len(m[0]) + 1, len(m[0]) + 200, len(whole) - 1} {
			if err := s.read(whole[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%s: cut to %d bytes: %v", side, n, err)
			}
		}
	}
}

// The keys are asked for once, with the head of the first message, and an error of what
// gives them ends it before anything is evaluated.
func TestEvaluateStreamAsksForKeysOnce(t *testing.T) {
	p := newParties(t, 7)
	in, asked, unknown := p.encrypt(t), 0, errors.New("unknown key")
	keys := func(o wire.Object) (he.Keys, error) {
		if asked++; o.Key != p.client.KeyID() {
			t.Errorf("asked for key %x, want %x", o.Key, p.client.KeyID())
		}
		return p.keys, nil
	}
	var seen []int
	if _, err := EvaluateStream(context.Background(), p.server, keys, bytes.NewReader(in), io.Discard, nil, func(n int) { seen = append(seen, n) }); err != nil || asked != 1 {
		t.Errorf("asked %d times, %v", asked, err)
	}
	if !slices.Equal(seen, []int{3, 6, 7}) {
		t.Errorf("progress %v", seen)
	}
	none := func(wire.Object) (he.Keys, error) { return nil, unknown }
	var out bytes.Buffer
	if n, err := EvaluateStream(context.Background(), p.server, none, bytes.NewReader(in), &out, nil, nil); n != 0 || !errors.Is(err, unknown) || out.Len() > 0 {
		t.Errorf("without keys: %d samples, %d bytes, %v", n, out.Len(), err)
	}
}

// Both halves come back from bytes, and what is made of them answers.
func TestHalves(t *testing.T) {
	p := newParties(t, 4)
	spec, half, err := Split(p.file, &fakePlan{p.file.Program, 5})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := half.Write(&b); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	read := func(r io.Reader) ([]byte, error) {
		h, err := ReadServerHalf(context.Background(), r)
		if err != nil {
			return nil, err
		}
		var again bytes.Buffer
		if err := h.Write(&again); err != nil {
			panic(err)
		}
		return again.Bytes(), nil
	}
	wiretest.CheckObjects(t, map[wire.Kind]wiretest.Written{wire.ServerHalf: {Data: data, Again: read}})
	got, err := ReadServerHalf(context.Background(), bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if hash, err := spec.Hash(); err != nil || got.Spec != hash || half.Spec != hash {
		t.Errorf("the halves have the hashes %x, %x and %x", hash, got.Spec, half.Spec)
	}
	if p.server, err = got.NewServer(context.Background()); err != nil {
		t.Fatal(err)
	}
	out, _, err := p.evaluate(p.encrypt(t))
	if err != nil {
		t.Fatal(err)
	}
	answers, err := p.decrypt(out, nil)
	if err != nil {
		t.Fatal(err)
	}
	bundletest.CheckExact(t, p.file.Program, p.samples, answers)
	if _, err := NewClient(&he.ClientSpec{ClientPart: he.ClientPart{Executor: "none"}}); err == nil || !strings.Contains(err.Error(), `executor "none" is unknown`) {
		t.Errorf("a client of no back end: %v", err)
	}
	for what, alter := range map[string]func(*ServerHalf){
		`executor "none" is unknown`: func(h *ServerHalf) {
			c := *h.Client
			c.Executor, h.Client = "none", &c
		},
		"its head says":             func(h *ServerHalf) { h.Spec[0] ^= 1 },
		"its plan has another hash": func(h *ServerHalf) { change(t, h, func(c *he.ClientSpec) { c.Plan[0] ^= 1 }) },
		"its program has the hash":  func(h *ServerHalf) { change(t, h, func(c *he.ClientSpec) { c.Program[0] ^= 1 }) },
	} {
		stranger := *half
		alter(&stranger)
		var b bytes.Buffer
		if err := stranger.Write(&b); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadServerHalf(context.Background(), &b); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("a server half whose parts do not belong together: %v, want %s", err, what)
		}
	}
}

// change changes the client half of a server half, hash and all.
func change(t *testing.T, h *ServerHalf, f func(*he.ClientSpec)) {
	t.Helper()
	c := *h.Client
	f(&c)
	h.Client = &c
	var err error
	if h.Spec, err = c.Hash(); err != nil {
		t.Fatal(err)
	}
}

func FuzzReadServerHalf(f *testing.F) {
	p := newParties(f, 1)
	_, half, err := Split(p.file, &fakePlan{p.file.Program, 5})
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := half.Write(&b); err != nil {
		f.Fatal(err)
	}
	wiretest.FuzzObjects(f, map[wire.Kind]wiretest.Written{wire.ServerHalf: {Data: b.Bytes(), Read: func(r io.Reader) error {
		_, err := ReadServerHalf(context.Background(), r)
		return err
	}}})
}
