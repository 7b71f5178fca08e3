package halvestest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"sync"
	"testing"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/roles"
	"qtool/he/wire"
	"qtool/he/wire/wiretest"
	"qtool/internal/edits"
)

// Check sends the samples of a stream of several messages from one side to the other and
// back, and gives the outputs to answers. It runs one message on the server several times
// at once, and wants strangers refused: inputs and outputs under another key, keys of
// another client half. Give it more samples than one message has.
func Check(t *testing.T, p *bundle.Program, plan he.Halves, samples []bundle.Sample, answers func(*Parties, []byte)) {
	t.Helper()
	all := New(t, p, plan)
	inputs := all.Encrypted(t, samples)
	outputs := all.Evaluated(t, inputs)
	answers(all, outputs)
	sizes := all.Client.Spec().Sizes
	messages := int64((len(samples) + sizes.Samples - 1) / sizes.Samples)
	if messages < 2 {
		t.Errorf("%d samples are one message of %d", len(samples), sizes.Samples)
	}
	if got := int64(len(inputs)); got != messages*wire.Size(sizes.Inputs) {
		t.Errorf("%d messages of inputs have %d bytes, want %d each", messages, got, wire.Size(sizes.Inputs))
	}
	if got := int64(len(outputs)); got != messages*wire.Size(sizes.Outputs) {
		t.Errorf("%d messages of outputs have %d bytes, want %d each", messages, got, wire.Size(sizes.Outputs))
	}
	all.checkConcurrent(t, inputs[:wire.Size(sizes.Inputs)], outputs[:wire.Size(sizes.Outputs)])
	all.checkStrangers(t, plan, inputs, outputs)
	if again := all.Encrypted(t, samples[:1]); bytes.Equal(again[:wire.Size(sizes.Inputs)], inputs[:wire.Size(sizes.Inputs)]) {
		t.Error("encryption repeats itself")
	}
}

// checkConcurrent evaluates one message on one server at the same time, and another run is
// stopped: the outputs are the same bytes.
func (p *Parties) checkConcurrent(t *testing.T, inputs, outputs []byte) {
	t.Helper()
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			got, err := p.evaluate(t.Context(), p.Keys, bytes.NewReader(inputs))
			if err != nil || !bytes.Equal(got, outputs) {
				t.Errorf("evaluated beside others: %d bytes, %v", len(got), err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.evaluate(ctx, p.Keys, bytes.NewReader(inputs)); !errors.Is(err, context.Canceled) {
		t.Errorf("evaluated with a context that is done: %v", err)
	}
	group.Go(func() {
		if err := p.decrypt(t.Context(), bytes.NewReader(outputs)); err != nil {
			t.Error(err)
		}
	})
	if err := p.decrypt(ctx, bytes.NewReader(outputs)); !errors.Is(err, context.Canceled) {
		t.Errorf("decrypted with a context that is done: %v", err)
	}
	group.Wait()
}

// checkStrangers mixes what belongs to two secret keys, and to two client halves.
func (p *Parties) checkStrangers(t *testing.T, plan he.Halves, inputs, outputs []byte) {
	t.Helper()
	other := New(t, p.Program, plan)
	var out bytes.Buffer
	_, err := roles.EvaluateStream(t.Context(), p.Server, func(wire.Object) (he.Keys, error) { return other.Keys, nil }, bytes.NewReader(inputs), &out, nil, nil)
	if !errors.Is(err, wire.ErrKey) || out.Len() > 0 {
		t.Errorf("inputs and evaluation keys of two secret keys: %v", err)
	}
	if _, err := roles.DecryptStream(t.Context(), other.Client, bytes.NewReader(outputs), nil, nil, nil); !errors.Is(err, wire.ErrKey) {
		t.Errorf("outputs of another secret key: %v", err)
	}
	foreign := wiretest.Changed(p.EvaluationKeys, func(head, payload []byte) ([]byte, []byte) {
		head[wiretest.SpecAt]++
		return head, payload
	})
	if _, err := p.Server.ReadKeys(t.Context(), bytes.NewReader(foreign)); !errors.Is(err, wire.ErrSpec) {
		t.Errorf("evaluation keys of another client half: %v", err)
	}
	server, err := plan.NewServer(t.Context(), [32]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	in, err := wire.Open(bytes.NewReader(inputs))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Evaluate(t.Context(), p.Keys, in, io.Discard, nil); !errors.Is(err, wire.ErrSpec) {
		t.Errorf("keys and inputs of another client half: %v", err)
	}
}

// Objects are all of one key and one message of so many samples, with their readers; see
// wiretest.CheckObjects.
func (p *Parties) Objects(t testing.TB, samples []bundle.Sample) map[wire.Kind]wiretest.Written {
	t.Helper()
	inputs := p.Encrypted(t, samples)
	outputs := p.Evaluated(t, inputs)
	spec := p.Client.Spec()
	return map[wire.Kind]wiretest.Written{
		wire.ClientHalf: {Data: p.ClientHalf, Read: func(r io.Reader) error {
			s, err := he.ReadClientSpec(r)
			if err == nil {
				_, err = roles.NewClient(s)
			}
			return err
		}},
		wire.ServerHalf: {Data: p.ServerHalf, Read: func(r io.Reader) error {
			_, err := roles.ReadServerHalf(context.Background(), r)
			return err
		}},
		wire.SecretKey: {Data: p.SecretKey, Again: func(r io.Reader) ([]byte, error) {
			c, err := roles.ReadClient(spec, r)
			if err != nil {
				return nil, err
			}
			var b bytes.Buffer
			err = c.WriteSecretKey(&b)
			return b.Bytes(), err
		}},
		wire.EvaluationKeys: {Data: p.EvaluationKeys, Read: func(r io.Reader) error {
			_, err := p.Server.ReadKeys(context.Background(), r)
			return err
		}},
		wire.Inputs: {Data: inputs, Read: func(r io.Reader) error {
			_, err := p.evaluate(context.Background(), p.Keys, r)
			return err
		}},
		wire.Outputs: {Data: outputs, Read: func(r io.Reader) error {
			return p.decrypt(context.Background(), r)
		}},
	}
}

// Refusals wants each change of the JSON of a client half or of a plan to be an error that
// has the text it is filed under. refuse reads the changed JSON.
func Refusals(t *testing.T, original []byte, changes map[string][2]string, refuse func([]byte) error) {
	t.Helper()
	if err := refuse(original); err != nil {
		t.Errorf("as it is: %v", err)
	}
	for want, change := range changes {
		b := bytes.Replace(original, []byte(change[0]), []byte(change[1]), 1)
		if bytes.Equal(b, original) {
			t.Errorf("%s: %q is not in %s", want, change[0], original)
		} else if err := refuse(b); err == nil || !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("%s for %s: %v, want an error with %q", fmt.Sprint(change[1]), change[0], err, want)
		}
	}
}

// reasons are a plan's sentences. Most of its bytes may be theirs, and whatever they say
// it is as right as before: edits of them reach nothing.
var reasons = regexp.MustCompile(`"why":\[("(\\.|[^"\\])*",?)*\]`)

// FuzzJSON edits a JSON text, and wants what read reads to be written again as the same
// bytes.
func FuzzJSON(f *testing.F, original []byte, read func([]byte) ([]byte, error)) {
	original = reasons.ReplaceAll(original, []byte(`"why":["chosen"]`))
	if again, err := read(original); err != nil || !bytes.Equal(again, original) {
		f.Fatalf("%s is not read, or written as %s: %v", original, again, err)
	}
	keep := func(b []byte) []byte { return b }
	words := []string{"0", "1", "-1", "9", "18446744073709551615", "9223372036854775807", "[]", "{}", "null", ",", `"`}
	edits.Fuzz(f, [][]byte{original}, words, keep, func(t *testing.T, b []byte) {
		if again, err := read(b); err == nil && !bytes.Equal(again, b) {
			t.Errorf("%s is read, and written as %s", b, again)
		}
	})
}
