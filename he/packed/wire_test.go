package packed

import (
	"bytes"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/encode"
	"qtool/he"
	"qtool/he/wire"
	"qtool/he/wire/wiretest"
)

func smallPlan(t testing.TB, seed uint64) (*bundle.Program, *bundletest.Builder, *Plan) {
	t.Helper()
	b := bundletest.New(seed, 4, 1, 6, 6).Conv(2, 3, 1, 0, 7).Square().Pool(2, 2).Dense(3, 7)
	p := b.Observed()
	plan, err := NewPlan(t.Context(), p, insecure(10))
	if err != nil {
		t.Fatal(err)
	}
	return p, b, plan
}

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
// between them for one sample.
type deployment struct {
	spec    *he.ClientSpec
	client  he.Client
	server  he.Server
	keys    he.Keys
	objects map[wire.Kind]wiretest.Written
}

// place is the place of the message that deployed sends.
var place = wire.Message{Stream: wire.StreamID{5}, Index: 3, Samples: 1, Last: true}

func deployed(t testing.TB, p *bundle.Program, sample bundle.Sample, plan he.Halves) *deployment {
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
	if d.client, err = ReadClient(d.spec, bytes.NewReader(key.Bytes())); err != nil {
		t.Fatal(err)
	}
	pair, err := d.spec.Hash()
	fatal(err)
	if d.server, err = plan.NewServer(ctx, pair); err != nil {
		t.Fatal(err)
	}
	if d.keys, err = d.server.ReadKeys(ctx, bytes.NewReader(keys.Bytes())); err != nil {
		t.Fatal(err)
	}
	fatal(d.client.Encrypt(ctx, []bundle.Sample{sample}, place, &in, nil))
	fatal(d.evaluate(t, in.Bytes(), &out))
	half := d.server.(*Server).half
	d.objects = map[wire.Kind]wiretest.Written{
		wire.SecretKey: {Data: key.Bytes(), Again: func(r io.Reader) ([]byte, error) {
			key, id, err := readSecretKey(half, pair, r)
			if err != nil {
				return nil, err
			}
			var b bytes.Buffer
			err = newClient(d.spec, pair, half, key, id).WriteSecretKey(&b)
			return b.Bytes(), err
		}},
		wire.EvaluationKeys: {Data: keys.Bytes(), Read: func(r io.Reader) error { _, err := d.server.ReadKeys(ctx, r); return err }},
		wire.Inputs: {Data: in.Bytes(), Again: func(r io.Reader) ([]byte, error) {
			in, err := wire.Open(r)
			if err != nil {
				return nil, err
			}
			want := wire.Object{Kind: wire.Inputs, Spec: pair, Key: first.KeyID(), Length: half.sizes().Inputs}
			if err := in.ExpectMessage(want, 1); err != nil {
				return nil, err
			}
			all, err := readInputs(in, half, pair)
			if err != nil {
				return nil, err
			}
			var b bytes.Buffer
			err = all.write(&b, half, in.Object().Message)
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

// bothPlans are a small program's, of both schemes.
func bothPlans(t testing.TB) (*bundle.Program, *bundletest.Builder, map[string]he.Halves) {
	p, b, plan := smallPlan(t, 20)
	exact, err := NewExactPlan(t.Context(), p, insecure(10))
	if err != nil {
		t.Fatal(err)
	}
	return p, b, map[string]he.Halves{ckksName: plan, bgvName: exact}
}

// Objects are refused unless they are whole, of their plan and key, and of reduced
// residues; sizes are as the client half says, and the evaluation keys' at most 60 % of
// their memory.
func TestInsecureObjects(t *testing.T) {
	p, b, plans := bothPlans(t)
	for name, plan := range plans {
		t.Run(name, func(t *testing.T) {
			d := deployed(t, p, b.Samples(1)[0], plan)
			z := d.spec.Sizes
			for kind, want := range map[wire.Kind]int64{wire.EvaluationKeys: z.Keys, wire.Inputs: z.Inputs, wire.Outputs: z.Outputs} {
				if got := int64(len(d.objects[kind].Data)); got != wire.Size(want) {
					t.Errorf("%v of %d bytes, the client half says %d", kind, got, wire.Size(want))
				}
			}
			if memory := d.server.(*Server).half.needs.Bytes(10, len(d.server.(*Server).half.P)); float64(z.Keys) > 0.6*float64(memory) {
				t.Errorf("%d bytes of keys are sent, %d are held", z.Keys, memory)
			}
			wiretest.CheckObjects(t, d.objects)
			wiretest.CheckNotReduced(t, wire.Outputs, d.objects[wire.Outputs], 8, 8)
			wiretest.CheckNotReduced(t, wire.Inputs, d.objects[wire.Inputs], 32, 8)
			wiretest.CheckNotReduced(t, wire.EvaluationKeys, d.objects[wire.EvaluationKeys], 32, 8)
		})
	}
}

// A flooding client, and a client of the same key without, read the same outputs: the
// noise is within the bound that counts it in, and another one each time. Exact answers
// have nothing to flood.
func TestInsecureFlooding(t *testing.T) {
	p, b, plans := bothPlans(t)
	one := b.Samples(1)[0]
	run, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	codes := make([]int64, len(one))
	for i, q := range one {
		codes[i] = int64(q)
	}
	want, err := run.Run(bundle.Vec{Small: codes}, nil)
	if err != nil {
		t.Fatal(err)
	}
	d := deployed(t, p, one, plans[ckksName])
	read := func(c he.Client) he.Approximate {
		t.Helper()
		in, err := wire.Open(bytes.NewReader(d.objects[wire.Outputs].Data))
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Decrypt(t.Context(), in, nil)
		if err != nil {
			t.Fatal(err)
		}
		return got.Answers.(he.Approximate)
	}
	flooding, err := he.Flooding(d.client, 12)
	if err != nil {
		t.Fatal(err)
	}
	plain, first, second := read(d.client), read(flooding), read(flooding)
	differ := false
	for o, x := range first.Reals[0] {
		differ = differ || x != second.Reals[0][o]
		if got := want.Float(o); !(math.Abs(x-got) <= first.Bound[o]) || first.Bound[o] < 1000*plain.Bound[o]/4 {
			t.Errorf("output %d: %v is within %v of %v, without noise within %v", o, x, first.Bound[o], got, plain.Bound[o])
		}
	}
	if !differ {
		t.Errorf("two decryptions have the same noise: %v", first.Reals)
	}
	for _, bits := range []int{0, he.MaxFlood + 1} {
		if c, err := he.Flooding(d.client, bits); c != nil || err == nil {
			t.Errorf("%d bits: error %v", bits, err)
		}
	}
	if c, err := he.Flooding(deployed(t, p, one, plans[bgvName]).client, 12); c != nil || err == nil || !strings.Contains(err.Error(), "exact integers") {
		t.Errorf("exact answers: error %v", err)
	}
}

var update = flag.Bool("update", false, "rewrite testdata/golden")

// The layout of every object stays: a change of these files is a change of the version.
func TestInsecureGolden(t *testing.T) {
	p := bundletest.New(40, 2, 3).Dense(2, 2).Square().Observed()
	plan, err := NewPlan(t.Context(), p, insecure(5))
	if err != nil {
		t.Fatal(err)
	}
	exact, err := NewExactPlan(t.Context(), p, insecure(5))
	if err != nil {
		t.Fatal(err)
	}
	sample := bundle.Sample{1, 0, 3}
	for name, plan := range map[string]he.Halves{ckksName: plan, bgvName: exact} {
		file := func(kind string) string {
			return filepath.Join("testdata", "golden", name+"-"+strings.ReplaceAll(kind, " ", "-"))
		}
		if *update {
			d := deployed(t, p, sample, plan)
			var half bytes.Buffer
			if err := d.spec.Write(&half); err != nil {
				t.Fatal(err)
			}
			b, err := plan.Encode()
			if err != nil {
				t.Fatal(err)
			}
			for kind, data := range map[string][]byte{
				"client half": half.Bytes(), "plan": b, "secret key": d.objects[wire.SecretKey].Data, "evaluation keys": d.objects[wire.EvaluationKeys].Data,
				"inputs": d.objects[wire.Inputs].Data, "outputs": d.objects[wire.Outputs].Data,
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
		spec, err := he.ReadClientSpec(bytes.NewReader(read("client half")))
		if err != nil {
			t.Fatal(err)
		}
		pair, err := spec.Hash()
		if err != nil {
			t.Fatal(err)
		}
		client, err := ReadClient(spec, bytes.NewReader(read("secret key")))
		if err != nil {
			t.Fatal(err)
		}
		decode := func() (he.Halves, error) { return DecodePlan(t.Context(), read("plan"), p) }
		if name == bgvName {
			decode = func() (he.Halves, error) { return DecodeExactPlan(t.Context(), read("plan"), p) }
		}
		again, err := decode()
		if err != nil {
			t.Fatal(err)
		}
		server, err := again.NewServer(t.Context(), pair)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := server.ReadKeys(t.Context(), bytes.NewReader(read("evaluation keys")))
		if err != nil {
			t.Fatal(err)
		}
		in, err := wire.Open(bytes.NewReader(read("inputs")))
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := server.Evaluate(t.Context(), keys, in, &out, nil); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out.Bytes(), read("outputs")) {
			t.Errorf("%s: the answer to the file of inputs is not the file of outputs", name)
		}
		answer, err := wire.Open(&out)
		if err != nil {
			t.Fatal(err)
		}
		got, err := client.Decrypt(t.Context(), answer, nil)
		if err != nil {
			t.Fatal(err)
		}
		near(t, p, []bundle.Sample{sample}, got.Answers)
	}
}

// near holds answers to the integer reference: exact ones are it, others are within their bounds.
func near(t testing.TB, p *bundle.Program, samples []bundle.Sample, answers he.Answers) {
	t.Helper()
	for i, want := range bundletest.Reference(t, p, samples) {
		switch a := answers.(type) {
		case he.Exact:
			if o := a[i].FirstDifference(want); o >= 0 {
				t.Errorf("sample %d, output %d: %v, want %v", i, o, a[i].At(o), want.At(o))
			}
		case he.Approximate:
			for o, x := range a.Reals[i] {
				if off := x - want.Float(o); !(off <= a.Bound[o] && off >= -a.Bound[o]) {
					t.Errorf("sample %d, output %d: off by %v, the bound is %v", i, o, off, a.Bound[o])
				}
			}
		}
	}
}

// Plans come back as they were chosen, search for nothing, and give the same ciphertexts
// for the same inputs and keys; clients and servers of bytes alone answer like the
// integers.
func TestInsecurePlansComeBack(t *testing.T) {
	for name, n := range networks(t) {
		plan, err := NewPlan(t.Context(), n.p, insecure(11))
		if err != nil {
			t.Fatal(err)
		}
		exact, err := NewExactPlan(t.Context(), n.p, insecure(11))
		if err != nil {
			t.Fatal(err)
		}
		for _, first := range []interface {
			he.Halves
			planned
		}{plan, exact} {
			b, err := first.Encode()
			if err != nil {
				t.Fatal(err)
			}
			again, err := decodeAny(t, b, n.p)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			b2, err := again.Encode()
			if err != nil || !bytes.Equal(b, b2) || again.Hash() != first.Hash() {
				t.Errorf("%s: another plan came back, %v", name, err)
			}
			part, err := first.ClientPart()
			if err != nil {
				t.Fatal(err)
			}
			part2, err := again.ClientPart()
			if err != nil || !bytes.Equal(part.Parameters, part2.Parameters) || part.Sizes != part2.Sizes || part.LogFailure != part2.LogFailure {
				t.Errorf("%s: another client half came back, %v", name, err)
			}
			if testing.Short() && name > "d" {
				continue
			}
			d := deployed(t, n.p, n.samples[0], again)
			m, err := wire.Open(bytes.NewReader(d.objects[wire.Inputs].Data))
			if err != nil {
				t.Fatal(err)
			}
			pair, err := d.spec.Hash()
			if err != nil {
				t.Fatal(err)
			}
			server, err := first.NewServer(t.Context(), pair)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := server.Evaluate(t.Context(), d.keys, m, &out, nil); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(out.Bytes(), d.objects[wire.Outputs].Data) {
				t.Errorf("%s: %s evaluates to other ciphertexts", name, d.spec.Executor)
			}
			answer, err := wire.Open(&out)
			if err != nil {
				t.Fatal(err)
			}
			if answer.Object().Message != place {
				t.Errorf("%s: the answer is in place %+v", name, answer.Object().Message)
			}
			got, err := d.client.Decrypt(t.Context(), answer, nil)
			if err != nil {
				t.Fatal(err)
			}
			near(t, n.p, n.samples[:1], got.Answers)
		}
	}
}

func decodeAny(t testing.TB, b []byte, p *bundle.Program) (he.Halves, error) {
	if strings.Contains(string(b), `"scheme":"bgv"`) {
		return DecodeExactPlan(t.Context(), b, p)
	}
	return DecodePlan(t.Context(), b, p)
}

// What a client packs, and all else of its half but the constants of the outputs, does not
// depend on which weights are zero.
func TestInsecureHalvesHideZeros(t *testing.T) {
	half := func(zeros int) literal {
		w := make([]int32, 3*9)
		for k := range w {
			if w[k] = 1 + int32(k%5); k%4 < zeros {
				w[k] = 0
			}
		}
		conv := &bundle.Conv2D{Outputs: 3, Channels: 1, Kernel: bundle.Both(3), Stride: bundle.Both(1), Padding: bundle.Around(1), Weight: w, Bias: bundle.Vec{Small: []int64{1, 2, 3}}}
		n := observed(t, small(1, 1, 8, 8).Add("a", conv, "input").SquareOf("a2", "a").DenseOf("out", "a2", 3), 3)
		plan, err := NewPlan(t.Context(), n.p, insecure(10))
		if err != nil {
			t.Fatal(err)
		}
		return plan.literal()
	}
	none, some := half(0), half(2)
	if !slices.Equal(none.Views, some.Views) || !slices.Equal(none.Slots, some.Slots) {
		t.Error("views differ with the places of zero weights")
	}
}

// Many evaluations go on at once, with one set of keys.
func TestInsecureConcurrentEvaluations(t *testing.T) {
	p, b, plans := bothPlans(t)
	samples := b.Samples(6)
	for _, plan := range plans {
		d := deployed(t, p, samples[0], plan)
		var wait sync.WaitGroup
		for i, s := range samples {
			wait.Go(func() {
				var in, out bytes.Buffer
				if err := d.client.Encrypt(t.Context(), []bundle.Sample{s}, place, &in, nil); err != nil {
					t.Error(err)
					return
				}
				if err := d.evaluate(t, in.Bytes(), &out); err != nil {
					t.Error(err)
					return
				}
				m, err := wire.Open(&out)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := d.client.Decrypt(t.Context(), m, nil)
				if err != nil {
					t.Error(err)
					return
				}
				near(t, p, samples[i:i+1], got.Answers)
			})
		}
		wait.Wait()
	}
}

func FuzzObjects(f *testing.F) {
	p := bundletest.New(40, 2, 3).Dense(2, 2).Square().Observed()
	plan, err := NewPlan(f.Context(), p, insecure(5))
	if err != nil {
		f.Fatal(err)
	}
	wiretest.FuzzObjects(f, deployed(f, p, bundle.Sample{1, 0, 3}, plan).objects)
}
