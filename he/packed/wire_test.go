package packed

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/he/packed/keyset"
	"qtool/he/wire/wiretest"
	"qtool/internal/edits"
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

// Everything that passes between client and server goes through files here, and
// the answer is the one that the direct way gives.
func TestInsecureFilesRoundTrip(t *testing.T) {
	_, b, plan := smallPlan(t, 20)
	client := NewClient(plan)
	keys, err := client.EvaluationKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in, err := client.Encrypt(t.Context(), b.Samples(1)[0])
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if _, err := plan.WriteEvaluationKeys(&file, keys); err != nil {
		t.Fatal(err)
	}
	keyBytes := append([]byte(nil), file.Bytes()...)
	if got, want := int64(len(keyBytes)), plan.keyBytes(); got < want || got > want+200 {
		t.Errorf("%d bytes of keys, described as %d", got, want)
	}
	sent, err := plan.ReadEvaluationKeys(&file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	inBytes := append([]byte(nil), file.Bytes()...)
	sentIn, err := plan.ReadInputs(&file)
	if err != nil {
		t.Fatal(err)
	}
	server, err := NewServer(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	var answers [2][]float64
	for i, c := range []struct {
		in   *Inputs
		keys *EvaluationKeys
	}{{in, keys}, {sentIn, sent}} {
		out, err := server.Evaluate(t.Context(), c.in, c.keys)
		if err != nil {
			t.Fatal(err)
		}
		var file bytes.Buffer
		if _, err := out.WriteTo(&file); err != nil {
			t.Fatal(err)
		}
		if out, err = plan.ReadOutputs(&file); err != nil {
			t.Fatal(err)
		}
		if answers[i], err = client.Decrypt(t.Context(), out); err != nil {
			t.Fatal(err)
		}
	}
	for o, x := range answers[0] {
		if x != answers[1][o] {
			t.Errorf("output %d is %v, through files %v", o, x, answers[1][o])
		}
	}

	output, err := server.Evaluate(t.Context(), in, keys)
	if err != nil {
		t.Fatal(err)
	}
	on := func(p *Plan) map[string]wiretest.Object {
		return map[string]wiretest.Object{
			"evaluation key": {Data: keyBytes, Read: func(b []byte) ([]byte, error) {
				return wiretest.Again(b, p.ReadEvaluationKeys, func(k *EvaluationKeys, w io.Writer) (int64, error) { return p.WriteEvaluationKeys(w, k) })
			}},
			"input":  {Data: inBytes, Read: func(b []byte) ([]byte, error) { return wiretest.Again(b, p.ReadInputs, (*Inputs).WriteTo) }},
			"output": {Data: wiretest.Encoded(t, output.WriteTo), Read: func(b []byte) ([]byte, error) { return wiretest.Again(b, p.ReadOutputs, (*Outputs).WriteTo) }},
		}
	}
	all := on(plan)
	wiretest.Check(t, &format, all)
	wiretest.CheckReduced(t, &format, 1, all)
	_, _, other := smallPlan(t, 21)
	others := on(other)
	for name, e := range all {
		if _, err := others[name].Read(e.Data); err == nil || !strings.Contains(err.Error(), name+" was made for another program") {
			t.Errorf("%s of another plan: %v", name, err)
		}
		if _, err := e.Read(append(bytes.Clone(e.Data), 0)); err == nil || !strings.Contains(err.Error(), name+": the file goes on after its end") {
			t.Errorf("%s with more behind it: %v", name, err)
		}
		forged := bytes.Clone(e.Data)
		forged[format.Bytes(0)-sha256.Size] = 1
		if _, err := e.Read(forged); err == nil || !strings.Contains(err.Error(), name+" for plaintext prime 1 of 1") {
			t.Errorf("%s of another plaintext prime: %v", name, err)
		}
	}
}

// The server refuses what is not its plan's before it evaluates anything.
func TestInsecureServerRefuses(t *testing.T) {
	_, b, plan := smallPlan(t, 20)
	_, _, other := smallPlan(t, 21)
	client := NewClient(plan)
	keys, err := client.EvaluationKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	strange, err := NewClient(other).EvaluationKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	server, err := NewServer(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	encrypt := func() *Inputs {
		in, err := client.Encrypt(t.Context(), b.Samples(1)[0])
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	with := func(galois map[int]*rlwe.GaloisKey, relin *rlwe.RelinearizationKey) *EvaluationKeys {
		return &EvaluationKeys{keys.plan, keys.id, &keyset.Set{Galois: galois, Relin: relin}}
	}
	fewer := maps.Clone(keys.Galois)
	delete(fewer, plan.needs.Sorted()[0])
	same, err := NewClient(plan).EvaluationKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what   string
		keys   *EvaluationKeys
		change func(in *Inputs)
		want   string
	}{
		{"no keys", nil, nil, "of another plan"},
		{"keys of another plan", strange, nil, "of another plan"},
		{"keys of another client", same, nil, "belong to another secret key"},
		{"a key less", with(fewer, keys.Relin), nil, "lack the rotation by"},
		{"no relinearisation", with(keys.Galois, nil), nil, "lack relinearisation"},
		{"inputs of another plan", keys, func(in *Inputs) { in.plan = other.hash }, "ciphertexts are of another plan"},
		{"a ciphertext less", keys, func(in *Inputs) { in.cts = in.cts[1:] }, "the plan has"},
		{"wrong scale", keys, func(in *Inputs) { in.scale *= 2 }, "have scale"},
		{"wrong level", keys, func(in *Inputs) {
			for h := range in.cts[0] {
				in.cts[0][h] = in.cts[0][h][1:]
			}
		}, "limbs, the plan has 1 and"},
		{"wrong degree", keys, func(in *Inputs) { in.cts[0] = in.cts[0][:1] }, "has degree 0"},
	} {
		in := encrypt()
		if c.change != nil {
			c.change(in)
		}
		if out, err := server.Evaluate(t.Context(), in, c.keys); out != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.what, err, c.want)
		}
	}
	if _, err := client.Encrypt(t.Context(), make(bundle.Sample, 3)); err == nil || !strings.Contains(err.Error(), "sample 0 has 3 values") {
		t.Errorf("a short sample: %v", err)
	}
}

func TestPlanFile(t *testing.T) {
	b := bundletest.New(30, 4, 20).Dense(6, 7).Square().Dense(3, 7)
	p := b.Observed()
	o := Options{Costs: costs()}
	plan, err := NewPlan(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	if plan.SecurityBits() != 128 {
		t.Errorf("%d bits of security", plan.SecurityBits())
	}
	file, err := plan.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := DecodePlan(t.Context(), file, p)
	if err != nil || again.hash != plan.hash {
		t.Fatalf("read again: %v", err)
	}
	other := bundletest.New(31, 4, 20).Dense(6, 7).Square().Dense(3, 7).Observed()
	for _, c := range []struct {
		what string
		file string
		p    *bundle.Program
		want string
	}{
		{"another program", string(file), other, "the plan of this program has hash"},
		{"version", strings.Replace(string(file), `"version": 2`, `"version": 9`, 1), p, "unsupported version 9"},
		{"scheme", strings.Replace(string(file), "ckks", "bgv", 1), p, `for scheme "bgv"`},
		{"field", strings.Replace(string(file), "scheme", "schema", 1), p, "unknown field"},
		{"ring", strings.Replace(string(file), `"log_n": 1`, `"log_n": 9`, 1), p, "ring degree"},
		{"long", strings.Repeat(" ", maxPlanFile+1), p, "passes the limit"},
	} {
		if got, err := DecodePlan(t.Context(), []byte(c.file), c.p); got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.what, err, c.want)
		}
	}
	text := strings.TrimSpace(string(file))
	for _, behind := range []string{"}", "]", "x", "{}", "\n}", "\x00"} {
		if got, err := DecodePlan(t.Context(), []byte(text+behind), p); got != nil || err == nil || !strings.Contains(err.Error(), "plan file: the JSON value ends at byte") {
			t.Errorf("%q behind the plan: %v", behind, err)
		}
	}
	for n := range text {
		if got, err := DecodePlan(t.Context(), []byte(text[:n]), p); got != nil || !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), "packed: plan file: ") {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
	exact, err := NewExactPlan(t.Context(), p, o)
	if err != nil {
		t.Fatal(err)
	}
	if file, err = exact.Encode(); err != nil {
		t.Fatal(err)
	}
	if again, err := DecodeExactPlan(t.Context(), file, p); err != nil || again.hash != exact.hash {
		t.Errorf("read again: %v", err)
	}
}

func FuzzDecodePlan(f *testing.F) {
	p := bundletest.New(30, 4, 20).Dense(6, 7).Square().Dense(3, 7).Observed()
	plan, err := NewPlan(f.Context(), p, Options{Costs: costs()})
	if err != nil {
		f.Fatal(err)
	}
	file, err := plan.Encode()
	if err != nil {
		f.Fatal(err)
	}
	edits.Fuzz(f, [][]byte{file}, edits.JSON, nil, func(t *testing.T, b []byte) {
		o, _, err := decodePlan(b, "ckks")
		if err == nil && (o.LogN < minLogN || o.LogN > maxLogN || o.Costs == nil || o.AllowInsecure) {
			t.Errorf("accepted %+v", o)
		}
	}, `{"version":2,"scheme":"ckks","log_n":13,"bits":1e308}`)
}

func FuzzReadInputs(f *testing.F) {
	_, b, plan := smallPlan(f, 20)
	in, err := NewClient(plan).Encrypt(f.Context(), b.Samples(1)[0])
	if err != nil {
		f.Fatal(err)
	}
	wiretest.Fuzz(f, map[string]wiretest.Object{
		"input": {Data: wiretest.Encoded(f, in.WriteTo), Read: func(b []byte) ([]byte, error) { return wiretest.Again(b, plan.ReadInputs, (*Inputs).WriteTo) }},
	})
}
