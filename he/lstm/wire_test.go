package lstm

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"qtool/bundle"
	"qtool/bundle/lstmtest"
	"qtool/encode"
	"qtool/he"
	"qtool/he/security"
	"qtool/he/wire"
	"qtool/he/wire/wiretest"
	"qtool/internal/edits"
	"qtool/verify/integer"
)

// specOf is the client half of a plan.
func specOf(t testing.TB, p *bundle.Program, plan he.Halves) *he.ClientSpec {
	t.Helper()
	part, err := plan.ClientPart()
	if err != nil {
		t.Fatal(err)
	}
	encoder, err := encode.NewPixels(p.Input.Shape, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := p.Output()
	return &he.ClientSpec{
		Plan: plan.Hash(), Input: p.Input, Encoder: encoder,
		Output: bundle.Node{Name: out.Name, Shape: out.Shape, Scale: out.Scale, Range: out.Range},
		Labels: p.Labels, SecurityBits: plan.SecurityBits(), ClientPart: part,
	}
}

// deployment is a client and a server of a plan, each made of bytes, and all that passes
// between them for a batch.
type deployment struct {
	spec    *he.ClientSpec
	client  he.Client
	server  he.Server
	keys    he.Keys
	objects map[wire.Kind]wiretest.Written
}

func deployed(t testing.TB, p *bundle.Program, sequences []bundle.Sample, plan *Plan) *deployment {
	t.Helper()
	fatal := func(err error) {
		if t.Helper(); err != nil {
			t.Fatal(err)
		}
	}
	ctx := t.Context()
	d := &deployment{spec: specOf(t, p, plan)}
	first, err := NewClient(d.spec)
	fatal(err)
	var key, keys, in, out bytes.Buffer
	fatal(first.WriteSecretKey(&key))
	fatal(first.WriteEvaluationKeys(ctx, &keys, nil))
	d.client, err = ReadClient(d.spec, bytes.NewReader(key.Bytes()))
	fatal(err)
	pair, err := d.spec.Hash()
	fatal(err)
	d.server, err = plan.NewServer(ctx, pair)
	fatal(err)
	d.keys, err = d.server.ReadKeys(ctx, bytes.NewReader(keys.Bytes()))
	fatal(err)
	place := wire.Message{Stream: wire.StreamID{5}, Index: 3, Samples: uint32(len(sequences)), Last: true}
	fatal(d.client.Encrypt(ctx, sequences, place, &in, nil))
	fatal(d.evaluate(t, in.Bytes(), &out))
	h := d.server.(*Server).half
	d.objects = map[wire.Kind]wiretest.Written{
		wire.SecretKey: {Data: key.Bytes(), Again: func(r io.Reader) ([]byte, error) {
			k, id, err := readSecretKey(h, pair, r)
			if err != nil {
				return nil, err
			}
			var b bytes.Buffer
			err = (&Client{pair: pair, half: h, id: id, hidden: &hidden{k}}).WriteSecretKey(&b)
			return b.Bytes(), err
		}},
		wire.EvaluationKeys: {Data: keys.Bytes(), Read: func(r io.Reader) error { _, err := d.server.ReadKeys(ctx, r); return err }},
		wire.Inputs: {Data: in.Bytes(), Again: func(r io.Reader) ([]byte, error) {
			in, err := wire.Open(r)
			if err != nil {
				return nil, err
			}
			if err := in.ExpectMessage(wire.Object{Kind: wire.Inputs, Spec: pair, Key: first.KeyID(), Length: h.sizes().Inputs}, h.slots()); err != nil {
				return nil, err
			}
			all, err := readInputs(in, h, pair)
			if err != nil {
				return nil, err
			}
			var b bytes.Buffer
			err = all.write(&b, h, in.Object().Message)
			return b.Bytes(), err
		}},
		wire.Outputs: {Data: out.Bytes(), Read: func(r io.Reader) error {
			in, err := wire.Open(r)
			if err == nil {
				_, err = d.client.Decrypt(ctx, in, nil)
			}
			return err
		}},
	}
	return d
}

// evaluate reads an object of inputs and writes one of outputs.
func (d *deployment) evaluate(t testing.TB, in []byte, out io.Writer) error {
	m, err := wire.Open(bytes.NewReader(in))
	if err != nil {
		return err
	}
	return d.server.Evaluate(t.Context(), d.keys, m, out, nil)
}

// decrypt gives the answers of an object of outputs, and holds them to the integers.
func (d *deployment) decrypt(t testing.TB, p *bundle.Program, sequences []bundle.Sample, out []byte) he.Approximate {
	t.Helper()
	m, err := wire.Open(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	got, err := d.client.Decrypt(t.Context(), m, nil)
	if err != nil {
		t.Fatal(err)
	}
	reference, err := integer.New(p)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := reference.Run(t.Context(), sequences, nil)
	if err != nil {
		t.Fatal(err)
	}
	a := got.Answers.(he.Approximate)
	if len(a.Reals) != len(sequences) || len(a.Decisions) != len(sequences) {
		t.Fatalf("%d answers to %d sequences", len(a.Reals), len(sequences))
	}
	for i, want := range plain.Answers.(he.Exact) {
		for o, x := range a.Reals[i] {
			if off := math.Abs(x - want.Float(o)); !(off <= a.Bound[o]) {
				t.Errorf("sequence %d, output %d: off by %g, the bound is %g", i, o, off, a.Bound[o])
			}
		}
		if !a.Undecided(p.Output(), i) && a.Label(p.Output(), i) != p.Output().Argmax(want) {
			t.Errorf("sequence %d: another label, and it is said to be decided", i)
		}
	}
	return a
}

// What clients and servers of bytes alone answer is within the stated error, batch by
// batch; objects are refused unless they are whole, of their half and key, and of reduced
// residues; keys take at most 60 % of their memory.
func TestInsecureObjects(t *testing.T) {
	p := cells()["one step"]
	plan := insecure(t, p, 700)
	sequences := lstmtest.Sequences(p, 5, 1)
	d := deployed(t, p, sequences, plan)
	d.decrypt(t, p, sequences, d.objects[wire.Outputs].Data)
	z := d.spec.Sizes
	for kind, want := range map[wire.Kind]int64{wire.EvaluationKeys: z.Keys, wire.Inputs: z.Inputs, wire.Outputs: z.Outputs} {
		if got := int64(len(d.objects[kind].Data)); got != wire.Size(want) {
			t.Errorf("%v of %d bytes, the client half says %d", kind, got, wire.Size(want))
		}
	}
	if memory := plan.needs().Bytes(plan.logN, plan.params.PCount()); float64(z.Keys) > 0.6*float64(memory) {
		t.Errorf("%d bytes of keys are sent, %d are held", z.Keys, memory)
	}
	wiretest.CheckObjects(t, d.objects)
	wiretest.CheckNotReduced(t, wire.Outputs, d.objects[wire.Outputs], 8, 8)
	wiretest.CheckNotReduced(t, wire.Inputs, d.objects[wire.Inputs], 32, 8)
	wiretest.CheckNotReduced(t, wire.EvaluationKeys, d.objects[wire.EvaluationKeys], 32, 8)
	if err := d.client.Encrypt(t.Context(), sequences, wire.Message{Samples: 4}, io.Discard, nil); err == nil {
		t.Error("five sequences are encrypted as four")
	}
}

// A flooding client's answers are within bounds that count the noise in, and others each
// time.
func TestInsecureFlooding(t *testing.T) {
	p := cells()["one step"]
	sequences := lstmtest.Sequences(p, 3, 1)
	d := deployed(t, p, sequences, insecure(t, p, 700))
	plain := d.decrypt(t, p, sequences, d.objects[wire.Outputs].Data)
	var err error
	if d.client, err = he.Flooding(d.client, 6); err != nil {
		t.Fatal(err)
	}
	first := d.decrypt(t, p, sequences, d.objects[wire.Outputs].Data)
	second := d.decrypt(t, p, sequences, d.objects[wire.Outputs].Data)
	same := true
	for i := range first.Reals {
		same = same && slices.Equal(first.Reals[i], second.Reals[i])
	}
	if same || first.Bound[0] < 10*plain.Bound[0] {
		t.Errorf("two decryptions have the same noise: %v; bounds %v, without noise %v", same, first.Bound, plain.Bound)
	}
	for _, bits := range []int{0, he.MaxFlood + 1} {
		if c, err := he.Flooding(d.client, bits); c != nil || err == nil {
			t.Errorf("%d bits: error %v", bits, err)
		}
	}
}

// Plans come back as they were chosen, and evaluate to the same ciphertexts.
func TestInsecurePlansComeBack(t *testing.T) {
	for name, p := range cells() {
		plan := insecure(t, p, 900)
		b, err := plan.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := DecodePlan(t.Context(), b, p)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		b2, err := again.Encode()
		if err != nil || !bytes.Equal(b, b2) || again.Hash() != plan.Hash() {
			t.Errorf("%s: another plan came back, %v", name, err)
		}
		if name != "one step" && name != "linear cell" {
			continue
		}
		sequences := lstmtest.Sequences(p, 3, 1)
		d := deployed(t, p, sequences, again)
		d.decrypt(t, p, sequences, d.objects[wire.Outputs].Data)
		pair, err := d.spec.Hash()
		if err != nil {
			t.Fatal(err)
		}
		if d.server, err = plan.NewServer(t.Context(), pair); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := d.evaluate(t, d.objects[wire.Inputs].Data, &out); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), d.objects[wire.Outputs].Data) {
			t.Errorf("%s: the plan that came back evaluates to other ciphertexts", name)
		}
	}
}

// A plan is refused if anything in it was changed, for a program that it was not made for,
// and if it is insecure without saying so.
func TestInsecurePlanFile(t *testing.T) {
	p := cells()["one step"]
	plan := insecure(t, p, 700)
	file, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	change := func(from, to string) string {
		if !strings.Contains(string(file), from) {
			t.Fatalf("%s has no %s", file, from)
		}
		return strings.Replace(string(file), from, to, 1)
	}
	q := plan.params.Q()
	for _, c := range []struct {
		what string
		file string
		p    *bundle.Program
		want string
	}{
		{"another program", string(file), cells()["odd cubics"], "the program takes"},
		{"version", change(`"version":1`, `"version":9`), p, "unsupported version 9"},
		{"field", change("babies", "ladies"), p, "unknown field"},
		{"ring", change(`"log_n":11`, `"log_n":30`), p, "ring degree 2^30"},
		{"prime", change(fmt.Sprint(q[1]), fmt.Sprint(q[1]+2)), p, "is not a prime"},
		{"scale", change(`"log_scale":`, `"log_scale":9`), p, "values of"},
		{"split", change(`"babies":`, `"babies":1`), p, "baby"},
		{"precision", change(`"bits":1`, `"bits":39`), p, "bits of precision"},
		{"insecure", change(`"insecure":true,`, ""), p, "insecure"},
		{"blank", change(`"version":1`, `"version": 1`), p, "canonical"},
		{"hash", change(`"hash":"`, `"hash":"0`), p, "has hash"},
		{"long", strings.Repeat(" ", maxPlanFile+1), p, "pass the limit"},
	} {
		if got, err := DecodePlan(t.Context(), []byte(c.file), c.p); got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.what, err, c.want)
		}
	}
	if _, err := DecodePlan(t.Context(), []byte(change(`"insecure":true,`, "")), p); !errors.Is(err, security.ErrInsecure) {
		t.Errorf("an insecure plan that does not say so: %v", err)
	}
}

// Halves of another kind, security or size than their parameters give, and parameters out
// of their ranges, are refused by name.
func TestInsecureHalvesAreChecked(t *testing.T) {
	p := cells()["one step"]
	plan := insecure(t, p, 700)
	for _, c := range []struct {
		what   string
		change func(s *he.ClientSpec, l *literal)
		want   string
	}{
		{"executor", func(s *he.ClientSpec, _ *literal) { s.Executor = "bgv" }, "the client half is for bgv"},
		{"security", func(s *he.ClientSpec, _ *literal) { s.SecurityBits = 128 }, "the client half says 128"},
		{"sizes", func(s *he.ClientSpec, _ *literal) { s.Sizes.Inputs++ }, "sizes are"},
		{"ring", func(_ *he.ClientSpec, l *literal) { l.LogN = 40 }, "ring degree 2^40"},
		{"composite", func(_ *he.ClientSpec, l *literal) { l.Q[1] -= 2 }, "is not a prime"},
		{"steps", func(_ *he.ClientSpec, l *literal) { l.Steps = 3 }, "3 steps of"},
		{"steps and primes", func(_ *he.ClientSpec, l *literal) { l.Steps, l.StepPrimes = -1, -l.StepPrimes }, "-1 steps of"},
		{"blocks", func(_ *he.ClientSpec, l *literal) { l.Blocks = 3 }, "3 blocks"},
		{"split", func(_ *he.ClientSpec, l *literal) { l.Giants = 4096 }, "4096 giant"},
		{"factor", func(_ *he.ClientSpec, l *literal) { l.In = -1 }, "factors -1"},
		{"bounds", func(_ *he.ClientSpec, l *literal) { l.Bound = nil }, "0 and"},
		{"bound", func(_ *he.ClientSpec, l *literal) { l.Usual[0] = -2 }, "and -2"},
	} {
		s, l := specOf(t, p, plan), plan.literal()
		l.Q, l.Usual = append([]uint64{}, l.Q...), append([]float64{}, l.Usual...)
		c.change(s, &l)
		var err error
		if s.Parameters, err = json.Marshal(l); err != nil {
			t.Fatal(err)
		}
		if got, err := NewClient(s); got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.what, err, c.want)
		}
	}
}

// Evaluations go on at once, with one set of keys.
func TestInsecureConcurrentEvaluations(t *testing.T) {
	p := cells()["one step"]
	all := lstmtest.Sequences(p, 9, 1)
	d := deployed(t, p, all[:1], insecure(t, p, 700))
	var wait sync.WaitGroup
	for from := 0; from < len(all); from += 3 {
		wait.Go(func() {
			part := all[from : from+3]
			var in, out bytes.Buffer
			if err := d.client.Encrypt(t.Context(), part, wire.Message{Samples: 3}, &in, nil); err != nil {
				t.Error(err)
			} else if err := d.evaluate(t, in.Bytes(), &out); err != nil {
				t.Error(err)
			} else {
				d.decrypt(t, p, part, out.Bytes())
			}
		})
	}
	wait.Wait()
}

var update = flag.Bool("update", false, "rewrite testdata/golden")

// The layout of objects stays: a change of these files is a change of the version. Inputs
// and keys, which are large, are laid out as package packed's.
func TestInsecureGolden(t *testing.T) {
	p := cells()["one step"]
	sequences := lstmtest.Sequences(p, 2, 1)
	file := func(kind string) string { return filepath.Join("testdata", "golden", kind) }
	if *update {
		plan := insecure(t, p, 500)
		d := deployed(t, p, sequences, plan)
		var half bytes.Buffer
		if err := d.spec.Write(&half); err != nil {
			t.Fatal(err)
		}
		b, err := plan.Encode()
		if err != nil {
			t.Fatal(err)
		}
		for kind, data := range map[string][]byte{
			"client-half": half.Bytes(), "plan": b, "secret-key": d.objects[wire.SecretKey].Data, "outputs": d.objects[wire.Outputs].Data,
		} {
			if err := os.WriteFile(file(kind), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := func(kind string) []byte {
		b, err := os.ReadFile(file(kind))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	spec, err := he.ReadClientSpec(bytes.NewReader(read("client-half")))
	if err != nil {
		t.Fatal(err)
	}
	plan, err := DecodePlan(t.Context(), read("plan"), p)
	if err != nil {
		t.Fatal(err)
	}
	part, err := plan.ClientPart()
	if err != nil || !bytes.Equal(part.Parameters, spec.Parameters) || plan.Hash() != spec.Plan {
		t.Errorf("the plan's client half is not the file's: %v", err)
	}
	d := &deployment{spec: spec}
	if d.client, err = ReadClient(spec, bytes.NewReader(read("secret-key"))); err != nil {
		t.Fatal(err)
	}
	d.decrypt(t, p, sequences, read("outputs"))
}

func FuzzDecodePlan(f *testing.F) {
	p := cells()["one step"]
	b, err := insecure(f, p, 700).Encode()
	if err != nil {
		f.Fatal(err)
	}
	edits.Fuzz(f, [][]byte{b}, edits.JSON, nil, func(t *testing.T, b []byte) {
		if plan, err := DecodePlan(t.Context(), b, p); err == nil {
			if again, err := plan.Encode(); err != nil || !bytes.Equal(again, b) {
				t.Errorf("%s came back as %s, %v", b, again, err)
			}
		}
	})
}

func FuzzClientHalf(f *testing.F) {
	p := cells()["one step"]
	s := specOf(f, p, insecure(f, p, 700))
	edits.Fuzz(f, [][]byte{s.Parameters}, edits.JSON, nil, func(t *testing.T, b []byte) {
		changed := *s
		changed.Parameters = b
		if h, err := parseHalf(&changed); err == nil {
			if again, err := h.encode(); err != nil || !bytes.Equal(again, b) {
				t.Errorf("%s came back as %s, %v", b, again, err)
			}
		}
	})
}

func FuzzObjects(f *testing.F) {
	p := cells()["one step"]
	wiretest.FuzzObjects(f, deployed(f, p, lstmtest.Sequences(p, 2, 1), insecure(f, p, 500)).objects)
}
