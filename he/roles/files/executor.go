package files

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/he/roles"
	"qtool/he/wire"
	"qtool/internal/whole"
)

// Executor implements he.Executor through files: both halves, the secret key, the
// evaluation keys, inputs and outputs are written to a folder of its own, and what
// encrypts, evaluates and decrypts was read from there and knows nothing else. It is not
// safe for concurrent use, and must be closed.
type Executor struct {
	file    *bundle.File
	plan    he.Halves
	backend he.Backend
	parties *parties // nil before the first run
}

// parties are what the folder's files made.
type parties struct {
	dir                string
	encrypts, decrypts he.Client // of the same secret key
	server             he.Server
	keys               he.Keys
	keyBytes           int64
}

// NewExecutor returns an executor of a plan of f's program that backend describes.
func NewExecutor(f *bundle.File, plan he.Halves, backend he.Backend) *Executor {
	return &Executor{file: f, plan: plan, backend: backend}
}

// Backend implements he.Executor.
func (e *Executor) Backend() he.Backend { return e.backend }

// Close removes the folder with all keys in it.
func (e *Executor) Close() error {
	if e.parties == nil {
		return nil
	}
	defer func() { e.parties = nil }()
	return os.RemoveAll(e.parties.dir)
}

// Run implements he.Executor. The folder, with its keys, is made by the first run and kept
// until Close; inputs and outputs are gone when a run ends. Seconds of encryption,
// evaluation and decryption are with reading and writing the files; what both sides make of
// their halves counts as making keys. Accounts are the client's alone.
func (e *Executor) Run(ctx context.Context, samples []bundle.Sample, step func(he.Step)) (*he.Result, error) {
	if err := e.file.Program.Input.CheckSamples(samples); err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	part, err := e.plan.ClientPart()
	if err != nil {
		return nil, err
	}
	r := &run{sizes: part.Sizes, cost: &he.Cost{}}
	messages := float64(len(samples)+r.sizes.Samples-1) / float64(r.sizes.Samples)
	// Predicted nanoseconds, a few for a byte.
	const byteNanoseconds = 8
	r.keys = float64(r.sizes.Keys) * byteNanoseconds
	r.encrypt = messages * float64(r.sizes.Inputs) * byteNanoseconds
	r.evaluate = e.plan.Describe(len(samples)).Predicted * 1e9
	r.decrypt = messages * float64(r.sizes.Outputs) * byteNanoseconds
	if e.parties != nil {
		r.keys = 0
	}
	r.Meter = meter.New(step, r.keys+r.encrypt+r.evaluate+r.decrypt)
	if e.parties == nil {
		err := r.Timed("keygen", &r.cost.Seconds.Keygen, func() (err error) {
			e.parties, err = r.begin(ctx, e.file, e.plan)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	all := &he.Result{Answers: he.Answers(he.Exact{})}
	if e.backend.Approximate {
		all.Answers = he.Approximate{}
	}
	if len(samples) > 0 {
		if all, err = r.stream(ctx, e.parties, samples); err != nil {
			return nil, err
		}
	}
	r.Reach(r.keys + r.encrypt + r.evaluate + r.decrypt)
	all.Cost = *r.cost
	b := &all.Cost.Bytes
	b.CiphertextIn, b.CiphertextOut, b.Keys = wire.Size(r.sizes.Inputs), wire.Size(r.sizes.Outputs), e.parties.keyBytes
	return all, nil
}

// run is one run: what it is predicted to take, in nanoseconds, and what it took.
type run struct {
	*meter.Meter
	sizes                            he.Sizes
	keys, encrypt, evaluate, decrypt float64
	cost                             *he.Cost
}

// The files of a folder.
const (
	clientHalf = "client.qbc"
	serverHalf = "server.qbs"
	secretKey  = "secret.key"
	keysFile   = "evaluation.keys"
	inputsFile = "inputs"
	outputFile = "outputs"
)

// begin makes a folder with halves and keys, and what reads them. Where it fails there is
// no folder.
func (r *run) begin(ctx context.Context, f *bundle.File, plan he.Halves) (_ *parties, err error) {
	p := &parties{}
	if p.dir, err = os.MkdirTemp("", "qtool-roles-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(p.dir))
		}
	}()
	spec, half, err := roles.Split(f, plan)
	if err != nil {
		return nil, err
	}
	if _, err := WriteHalves(p.path(clientHalf), p.path(serverHalf), spec, half); err != nil {
		return nil, err
	}
	if err := r.makeKeys(ctx, p); err != nil {
		return nil, err
	}
	if p.encrypts, err = p.client(ctx); err != nil {
		return nil, err
	}
	if p.decrypts, err = p.client(ctx); err != nil {
		return nil, err
	}
	if err := p.serve(ctx); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *parties) path(name string) string { return filepath.Join(p.dir, name) }

// makeKeys writes a secret key and evaluation keys, knowing the client half alone.
func (r *run) makeKeys(ctx context.Context, p *parties) error {
	spec, err := ReadClientHalf(p.path(clientHalf))
	if err != nil {
		return err
	}
	c, err := roles.NewClient(spec)
	if err != nil {
		return err
	}
	if err := CreateSecret(p.path(secretKey), c, nil); err != nil {
		return err
	}
	return p.write(keysFile, func(w io.Writer) error {
		return c.WriteEvaluationKeys(ctx, w, r.within(0, r.keys))
	})
}

// client reads the client half and the secret key.
func (p *parties) client(ctx context.Context) (he.Client, error) {
	spec, err := ReadClientHalf(p.path(clientHalf))
	if err != nil {
		return nil, err
	}
	s, err := ReadSecret(p.path(secretKey))
	if err != nil {
		return nil, err
	}
	defer s.Clear()
	return s.Client(ctx, spec, p.path(clientHalf), nil)
}

// serve reads the server half and the evaluation keys.
func (p *parties) serve(ctx context.Context) error {
	half, err := ReadServerHalf(ctx, p.path(serverHalf))
	if err != nil {
		return err
	}
	if p.server, err = half.NewServer(ctx); err != nil {
		return err
	}
	o, err := Open(p.path(keysFile), wire.EvaluationKeys)
	if err != nil {
		return err
	}
	defer o.Close()
	p.keyBytes = o.Size
	if p.keys, err = p.server.ReadKeys(ctx, o); err != nil {
		return err
	}
	return Ended(o)
}

// write writes a file of mode 0600.
func (p *parties) write(name string, write func(io.Writer) error) error {
	out, err := whole.Create(p.path(name), 0o600)
	if err != nil {
		return err
	}
	defer out.Discard()
	w := bufio.NewWriterSize(out, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return out.Commit()
}

// within turns a part's steps into the meter's: so many nanoseconds from a beginning on.
func (r *run) within(from, nanoseconds float64) func(he.Step) {
	return func(s he.Step) { r.Reach(from + float64(nanoseconds*float64(s.Done)/float64(max(s.Total, 1)))) }
}

// messages turns the steps of messages, one behind the other, into the meter's. The second
// function is called after each.
func (r *run) messages(n int, from, nanoseconds float64) (step func(he.Step), done func(samples int)) {
	each, k := nanoseconds/float64(n)*float64(r.sizes.Samples), 0.0
	return func(s he.Step) { r.within(from+float64(k*each), each)(s) }, func(int) { k++ }
}

// stream sends the samples through the files and back.
func (r *run) stream(ctx context.Context, p *parties, samples []bundle.Sample) (*he.Result, error) {
	defer os.Remove(p.path(inputsFile)) // no matter whether it is there
	defer os.Remove(p.path(outputFile))
	at, n, seconds := r.keys, len(samples), &r.cost.Seconds
	err := r.Timed("encrypt", &seconds.Encrypt, func() error {
		return p.write(inputsFile, func(w io.Writer) error {
			step, done := r.messages(n, at, r.encrypt)
			_, err := roles.EncryptStream(ctx, p.encrypts, each(samples), w, step, done)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	at += r.encrypt
	if err := r.Timed("evaluate", &seconds.Evaluate, func() error { return r.answer(ctx, p, n, at) }); err != nil {
		return nil, err
	}
	at += r.evaluate
	var parts []*he.Result
	err = r.Timed("decrypt", &seconds.Decrypt, func() error {
		sent, err := Open(p.path(inputsFile), wire.Inputs)
		if err != nil {
			return err
		}
		defer sent.Close()
		in, err := Open(p.path(outputFile), wire.Outputs)
		if err != nil {
			return err
		}
		defer in.Close()
		step, done := r.messages(n, at, r.decrypt)
		_, err = roles.DecryptStream(ctx, p.decrypts, in, &sent.Head.Message.Stream, step, func(_ int, d *he.Decrypted) error {
			parts = append(parts, &he.Result{Answers: d.Answers, Accounts: d.Accounts})
			done(0)
			return nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	all := he.Join(parts)
	if all.Answers.Len() != n {
		return nil, fmt.Errorf("files: %d answers to %d samples", all.Answers.Len(), n)
	}
	return all, nil
}

// answer evaluates the file of inputs.
func (r *run) answer(ctx context.Context, p *parties, n int, at float64) error {
	in, err := Open(p.path(inputsFile), wire.Inputs)
	if err != nil {
		return err
	}
	defer in.Close()
	return p.write(outputFile, func(w io.Writer) error {
		step, done := r.messages(n, at, r.evaluate)
		_, err := roles.EvaluateStream(ctx, p.server, func(wire.Object) (he.Keys, error) { return p.keys, nil }, in, w, step, done)
		return err
	})
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

var _ he.Executor = (*Executor)(nil)
