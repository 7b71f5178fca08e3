package roles

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/wire"
	"qtool/internal/strict"
)

// A back end that encrypts nothing: it adds a number to every code, and the server runs
// the program on what is left of it. It takes up to 3 samples a message.
const fakeBatch = 3

func init() {
	executors["fake"] = executor{newClient: func(s *he.ClientSpec) (he.Client, error) { return newFakeClient(s, wire.NewKeyID()) },
		readClient: func(s *he.ClientSpec, r io.Reader) (he.Client, error) {
			in, err := wire.Open(r)
			if err != nil {
				return nil, err
			}
			spec, err := s.Hash()
			if err != nil {
				return nil, err
			}
			if err := in.Expect(wire.Object{Kind: wire.SecretKey, Spec: spec}); err != nil {
				return nil, err
			}
			if err := in.EndOfFile(); err != nil {
				return nil, err
			}
			return newFakeClient(s, in.Object().Key)
		},
		decodePlan: func(_ context.Context, b []byte, p *bundle.Program) (he.Halves, error) {
			f := &fakePlan{program: p}
			return f, strict.JSON(b, f)
		},
	}
}

type fakePlan struct {
	program *bundle.Program
	Add     int
}

func (p *fakePlan) Hash() [32]byte              { return sha256.Sum256([]byte{byte(p.Add)}) }
func (p *fakePlan) Describe(int) he.Description { return he.Description{Backend: "fake"} }
func (p *fakePlan) SecurityBits() int           { return 0 }
func (p *fakePlan) Encode() ([]byte, error)     { return json.Marshal(p) }
func (p *fakePlan) sizes() (inputs, outputs int) {
	return fakeSizes(bundle.Size(p.program.Input.Shape), len(p.program.Labels))
}

func fakeSizes(in, out int) (inputs, outputs int) { return 8 * fakeBatch * in, 8 * fakeBatch * out }

func (p *fakePlan) ClientPart() (he.ClientPart, error) {
	in, out := p.sizes()
	return he.ClientPart{
		Executor: "fake", Backend: "fake", Sizes: he.Sizes{Samples: fakeBatch, Inputs: int64(in), Outputs: int64(out)},
		Parameters: json.RawMessage(fmt.Sprint(p.Add)),
	}, nil
}

func (p *fakePlan) NewServer(_ context.Context, spec [32]byte) (he.Server, error) {
	r, err := bundle.NewRunner(p.program)
	return &fakeServer{p, r, spec}, err
}

type fakeServer struct {
	plan *fakePlan
	run  *bundle.Runner
	spec [32]byte
}

type fakeKeys wire.KeyID

func (k fakeKeys) KeyID() wire.KeyID { return wire.KeyID(k) }
func (k fakeKeys) Bytes() int64      { return int64(len(k)) }

func (s *fakeServer) ReadKeys(_ context.Context, r io.Reader) (he.Keys, error) {
	in, err := wire.Open(r)
	if err != nil {
		return nil, err
	}
	if err := in.Expect(wire.Object{Kind: wire.EvaluationKeys, Spec: s.spec}); err != nil {
		return nil, err
	}
	return fakeKeys(in.Object().Key), in.End()
}

func (s *fakeServer) Evaluate(ctx context.Context, keys he.Keys, in *wire.Reader, out io.Writer, step func(he.Step)) error {
	inputs, outputs := s.plan.sizes()
	if err := in.ExpectMessage(wire.Object{Kind: wire.Inputs, Spec: s.spec, Key: keys.KeyID(), Length: int64(inputs)}, fakeBatch); err != nil {
		return err
	}
	codes := in.NewWords64(inputs/8, math.MaxUint64)
	if err := in.End(); err != nil {
		return err
	}
	o := in.Object()
	o.Kind, o.Length = wire.Outputs, int64(outputs)
	dst, n := wire.Create(out, o), inputs/8/fakeBatch
	for i := range fakeBatch {
		v := make([]int64, n)
		for k := range v {
			v[k] = int64(codes[i*n+k]) - int64(s.plan.Add)
		}
		logits := make([]uint64, outputs/8/fakeBatch)
		if i < int(o.Message.Samples) {
			got, err := s.run.Run(bundle.Vec{Small: v}, nil)
			if err != nil {
				return err
			}
			for k := range logits {
				logits[k] = uint64(got.Low64(k))
			}
		}
		dst.Words64(logits)
	}
	_, err := dst.End()
	return err
}

type fakeClient struct {
	spec *he.ClientSpec
	hash [32]byte
	id   wire.KeyID
	add  int
}

func newFakeClient(s *he.ClientSpec, id wire.KeyID) (he.Client, error) {
	c := &fakeClient{spec: s, id: id}
	if err := json.Unmarshal(s.Parameters, &c.add); err != nil {
		return nil, err
	}
	var err error
	c.hash, err = s.Hash()
	return c, err
}

func (c *fakeClient) Spec() *he.ClientSpec { return c.spec }
func (c *fakeClient) KeyID() wire.KeyID    { return c.id }

func (c *fakeClient) empty(w io.Writer, kind wire.Kind) error {
	_, err := wire.Create(w, wire.Object{Kind: kind, Spec: c.hash, Key: c.id}).End()
	return err
}

func (c *fakeClient) WriteSecretKey(w io.Writer) error { return c.empty(w, wire.SecretKey) }

func (c *fakeClient) WriteEvaluationKeys(_ context.Context, w io.Writer, _ func(he.Step)) error {
	return c.empty(w, wire.EvaluationKeys)
}

func (c *fakeClient) Encrypt(ctx context.Context, samples []bundle.Sample, m wire.Message, w io.Writer, _ func(he.Step)) error {
	if err := c.spec.Input.CheckSamples(samples); err != nil {
		return err
	}
	if len(samples) > fakeBatch || len(samples) != int(m.Samples) {
		return errors.New("fake: another number of samples")
	}
	var codes bytes.Buffer
	for _, s := range samples {
		for _, q := range s {
			codes.Write(binary.LittleEndian.AppendUint64(nil, uint64(int64(q)+int64(c.add))))
		}
	}
	out := wire.Create(w, wire.Object{Kind: wire.Inputs, Spec: c.hash, Key: c.id, Message: m, Length: c.spec.Sizes.Inputs})
	out.Bytes(append(codes.Bytes(), make([]byte, int(c.spec.Sizes.Inputs)-codes.Len())...))
	_, err := out.End()
	return err
}

func (c *fakeClient) Decrypt(_ context.Context, in *wire.Reader, _ func(he.Step)) (*he.Decrypted, error) {
	if err := in.ExpectMessage(wire.Object{Kind: wire.Outputs, Spec: c.hash, Key: c.id, Length: c.spec.Sizes.Outputs}, fakeBatch); err != nil {
		return nil, err
	}
	answers, n := he.Exact{}, len(c.spec.Labels)
	for range in.Object().Message.Samples {
		v := make([]int64, n)
		for k, w := range in.NewWords64(n, math.MaxUint64) {
			v[k] = int64(w)
		}
		answers = append(answers, bundle.Vec{Small: v})
	}
	in.NewBytes(8 * n * (fakeBatch - len(answers)))
	return &he.Decrypted{Answers: answers}, in.End()
}
