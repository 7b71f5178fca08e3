package serve

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"testing"
	"time"

	"qtool/bundle"
	"qtool/encode"
	"qtool/he"
	"qtool/he/wire"
	"qtool/quant"
)

// The fake back end encrypts nothing: a sample of two codes is a message of two words, and
// the answer is their sum, and 256 more than their difference. Keys are keyWords words that are all the same.
// What the service does with objects does not depend on what is in them.
const keyWords = 1 << 15

var fakeSpec = func() *he.ClientSpec {
	e, err := encode.NewPixels([]int{1, 1, 2}, nil, nil)
	if err != nil {
		panic(err)
	}
	return &he.ClientSpec{
		Input:        bundle.Input{Shape: []int{1, 1, 2}, Quantizer: quant.Params{Scale: 1.0 / 255, Bits: 8}},
		Encoder:      e,
		Output:       bundle.Node{Name: "out", Shape: []int{2}, Scale: []float64{1}, Range: bundle.NewRange(-255, 510)},
		Labels:       []string{"sum", "difference"},
		SecurityBits: 128,
		ClientPart: he.ClientPart{
			Executor: "fake", Backend: "bgv", LogFailure: -128, Parameters: []byte(`{}`),
			Sizes: he.Sizes{Samples: 1, Inputs: 16, Outputs: 16, Keys: 8 * keyWords},
		},
	}
}()

var fakeHash = func() [32]byte {
	h, err := fakeSpec.Hash()
	if err != nil {
		panic(err)
	}
	return h
}()

// fakeServer takes pause for an evaluation.
type fakeServer struct{ pause time.Duration }

type fakeKeys struct{ id wire.KeyID }

func (k fakeKeys) KeyID() wire.KeyID { return k.id }
func (k fakeKeys) Bytes() int64      { return 8 * keyWords }

func (fakeServer) ReadKeys(_ context.Context, r io.Reader) (he.Keys, error) {
	in, err := wire.Open(r)
	if err != nil {
		return nil, err
	}
	in.Words64(make([]uint64, keyWords), 1<<32)
	return fakeKeys{in.Object().Key}, in.End()
}

func (s fakeServer) Evaluate(ctx context.Context, keys he.Keys, in *wire.Reader, out io.Writer, _ func(he.Step)) error {
	o := in.Object()
	if keys.KeyID() != o.Key {
		return fmt.Errorf("fake: keys of %x for inputs of %x", keys.KeyID(), o.Key)
	}
	var v [2]uint64
	in.Words64(v[:], 256)
	if err := in.End(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(s.pause):
	}
	o.Kind = wire.Outputs
	w := wire.Create(out, o)
	w.Words64([]uint64{v[0] + v[1], v[0] - v[1] + 256})
	_, err := w.End()
	return err
}

// fakeClient implements he.Client.
type fakeClient struct{ id wire.KeyID }

func (c fakeClient) Spec() *he.ClientSpec           { return fakeSpec }
func (c fakeClient) KeyID() wire.KeyID              { return c.id }
func (c fakeClient) WriteSecretKey(io.Writer) error { return nil }

func (c fakeClient) WriteEvaluationKeys(_ context.Context, w io.Writer, _ func(he.Step)) error {
	out := wire.Create(w, wire.Object{Kind: wire.EvaluationKeys, Spec: fakeHash, Key: c.id, Length: 8 * keyWords})
	words := make([]uint64, keyWords)
	for i := range words {
		words[i] = uint64(c.id[0])
	}
	out.Words64(words)
	_, err := out.End()
	return err
}

func (c fakeClient) Encrypt(_ context.Context, samples []bundle.Sample, m wire.Message, w io.Writer, _ func(he.Step)) error {
	out := wire.Create(w, wire.Object{Kind: wire.Inputs, Spec: fakeHash, Key: c.id, Message: m, Length: 16})
	out.Words64([]uint64{uint64(samples[0][0]), uint64(samples[0][1])})
	_, err := out.End()
	return err
}

func (c fakeClient) Decrypt(_ context.Context, in *wire.Reader, _ func(he.Step)) (*he.Decrypted, error) {
	if in.Object().Key != c.id || in.Object().Spec != fakeHash {
		return nil, fmt.Errorf("fake: outputs of another key")
	}
	var v [2]uint64
	in.Words64(v[:], 1024)
	if err := in.End(); err != nil {
		return nil, err
	}
	return &he.Decrypted{Answers: he.Exact{{Small: []int64{int64(v[0]), int64(v[1]) - 256}}}}, nil
}

// fakeModel is a model of the fake back end.
func fakeModel(t testing.TB, name string, pause time.Duration) *Model {
	t.Helper()
	half, err := clientBytes(fakeSpec)
	if err != nil {
		t.Fatal(err)
	}
	return &Model{Name: name, Client: fakeSpec, Server: fakeServer{pause}, Spec: fakeHash, client: half}
}

// tenantKey is a client whose key depends on n.
func tenantKey(n int) fakeClient {
	s := sha256.Sum256(fmt.Append(nil, n))
	return fakeClient{wire.KeyID(s[:16])}
}
