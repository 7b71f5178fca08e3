package packed

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"qtool/bundle"
	"qtool/he"
)

// session is one client and one server of a plan, in one process.
type session interface {
	// setup makes keys and encodes weights, and says how long each took and how
	// large the evaluation keys are.
	setup(ctx context.Context) (keygen, encode time.Duration, keys int64, err error)
	// begin forgets what the samples of an earlier run told.
	begin()
	// sample encrypts, evaluates and decrypts one sample.
	sample(ctx context.Context, s bundle.Sample, r *he.Result) ([3]time.Duration, error)
	// finish adds what only all samples since begin together tell.
	finish(r *he.Result)
}

// executor runs samples one by one. Its keys and encoded weights are made in its first
// run and kept, so that samples may come one by one.
type executor struct {
	program *bundle.Program
	backend func() he.Backend
	start   func() session
	session session // nil before the first run
	keys    int64   // bytes of the evaluation keys
	// predicted seconds of an evaluation, and planned of the planning.
	predicted, planned float64
}

// NewExecutor returns an executor that runs p with CKKS by plan, which must have
// been made for p. Its first run generates the keys.
func NewExecutor(p *bundle.Program, plan *Plan) he.Executor {
	if plan.program != p {
		panic("packed: plan was made for another program")
	}
	return &executor{
		program: p, backend: plan.backend, predicted: plan.Predicted(), planned: plan.took.Seconds(),
		start: func() session { return &ckksSession{plan: plan} },
	}
}

// Backend implements he.Executor.
func (e *executor) Backend() he.Backend { return e.backend() }

// Run implements he.Executor.
func (e *executor) Run(ctx context.Context, samples []bundle.Sample, step func(he.Step)) (*he.Result, error) {
	if step == nil {
		step = func(he.Step) {}
	}
	if err := e.program.Input.CheckSamples(samples); err != nil {
		return nil, fmt.Errorf("packed: %w", err)
	}
	total := len(samples) + 1
	r, latency := &he.Result{}, &he.Latency{Predicted: e.predicted, Plan: e.planned}
	if e.session == nil {
		step(he.Step{Phase: "keygen", Done: 0, Total: total})
		s := e.start()
		keygen, encode, keys, err := s.setup(ctx)
		if err != nil {
			return nil, err
		}
		e.session, e.keys = s, keys
		r.Cost.Seconds.Keygen, latency.Encode = keygen.Seconds(), encode.Seconds()
	}
	s := e.session
	s.begin()
	r.Cost.Bytes.Keys = e.keys
	var times [3][]float64
	for i, sample := range samples {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		step(he.Step{Phase: "evaluate", Done: i + 1, Total: total})
		t, err := s.sample(ctx, sample, r)
		if err != nil && len(samples) > 1 {
			return nil, fmt.Errorf("sample %d: %w", i, err)
		}
		if err != nil {
			return nil, err
		}
		for k, d := range t {
			times[k] = append(times[k], d.Seconds())
		}
	}
	step(he.Step{Phase: "decrypt", Done: total, Total: total})
	for k, sum := range []*float64{&r.Cost.Seconds.Encrypt, &r.Cost.Seconds.Evaluate, &r.Cost.Seconds.Decrypt} {
		for _, t := range times[k] {
			*sum += t
		}
	}
	if l := latency; len(samples) > 0 {
		l.First = times[1][0]
		l.Encrypt, l.Evaluate, l.Decrypt = middle(times[0]), middle(times[1]), middle(times[2])
	}
	s.finish(r)
	r.Accounts = append(r.Accounts, latency)
	return r, nil
}

// middle is the median.
func middle(x []float64) float64 {
	s := slices.Clone(x)
	slices.Sort(s)
	return s[len(s)/2]
}

// ckksSession implements session.
type ckksSession struct {
	plan   *Plan
	client *Client
	server *Server
	keys   *Keys
	reals  [][]float64
}

func (s *ckksSession) setup(ctx context.Context) (keygen, encode time.Duration, bytes int64, err error) {
	start := time.Now()
	s.client = NewClient(s.plan)
	if s.keys, err = s.client.Keys(ctx); err != nil {
		return 0, 0, 0, err
	}
	keygen = time.Since(start)
	start = time.Now()
	s.server, err = NewServer(ctx, s.plan)
	return keygen, time.Since(start), s.keys.Bytes(), err
}

func (s *ckksSession) begin() {
	s.reals = nil
	clear(s.server.seconds)
}

func (s *ckksSession) sample(ctx context.Context, codes bundle.Sample, r *he.Result) (t [3]time.Duration, err error) {
	start := time.Now()
	in, err := s.client.Encrypt(ctx, codes)
	if err != nil {
		return t, err
	}
	t[0], start = time.Since(start), time.Now()
	out, err := s.server.Evaluate(ctx, in, s.keys)
	if err != nil {
		return t, err
	}
	t[1], start = time.Since(start), time.Now()
	logits, err := s.client.Decrypt(ctx, out)
	if err != nil {
		return t, err
	}
	t[2] = time.Since(start)
	s.reals = append(s.reals, logits)
	r.Cost.Bytes.CiphertextIn, r.Cost.Bytes.CiphertextOut = in.bytes(), out.bytes()
	return t, nil
}

func (s *ckksSession) finish(r *he.Result) {
	r.Answers = he.Approximate{Reals: s.reals, Bound: s.plan.ErrorBound(true), Usual: s.plan.ErrorBound(false)}
	r.Accounts = append(r.Accounts, nodeSeconds(s.plan.program, s.server.program, s.server.seconds))
}

// nodeSeconds puts a stage's map on its last linear node, or on the activation where it
// has none of its own or two, and its activation on that's node.
func nodeSeconds(p *bundle.Program, prog *program, seconds [][2]float64) he.NodeSeconds {
	nodes := make(he.NodeSeconds, len(p.Nodes))
	for i := range prog.stages {
		st := prog.stages[i].Stage
		last := st.First + st.Nodes - 1
		linear := st.Linear
		if linear < st.First || st.Product {
			linear = last
		}
		nodes[linear] += seconds[i][0]
		nodes[last] += seconds[i][1]
	}
	return nodes
}

// bytes is the size of the coefficients, as they are sent.
func (c *ciphertexts) bytes() int64 {
	var n int64
	for _, ct := range c.cts {
		for _, p := range ct {
			for _, l := range p {
				n += int64(8 * len(l))
			}
		}
	}
	return n
}

// NewExactExecutor returns an executor that runs p exactly with BGV by plan,
// which must have been made for p. Its first run generates the keys.
func NewExactExecutor(p *bundle.Program, plan *ExactPlan) he.Executor {
	if plan.program != p {
		panic("packed: plan was made for another program")
	}
	return &executor{
		program: p, backend: plan.backend, predicted: plan.Predicted(), planned: plan.took.Seconds(),
		start: func() session { return &exactSession{plan: plan} },
	}
}

// exactSession implements session.
type exactSession struct {
	plan   *ExactPlan
	client *ExactClient
	server *ExactServer
	keys   *Keys
	left   float64
	logits he.Exact
}

func (s *exactSession) setup(ctx context.Context) (keygen, encode time.Duration, bytes int64, err error) {
	start := time.Now()
	s.client = NewExactClient(s.plan)
	if s.keys, err = s.client.Keys(ctx); err != nil {
		return 0, 0, 0, err
	}
	keygen = time.Since(start)
	start = time.Now()
	s.server, err = NewExactServer(ctx, s.plan)
	return keygen, time.Since(start), s.keys.Bytes(), err
}

func (s *exactSession) begin() {
	s.left, s.logits = math.Inf(1), nil
	for k := range s.server.servers {
		clear(s.server.servers[k].seconds)
	}
}

func (s *exactSession) sample(ctx context.Context, codes bundle.Sample, r *he.Result) (t [3]time.Duration, err error) {
	all := make([][]uint64, len(s.plan.t))
	r.Cost.Bytes.CiphertextIn, r.Cost.Bytes.CiphertextOut = 0, 0
	for k := range all {
		start := time.Now()
		in, err := s.client.Encrypt(ctx, codes, k)
		if err != nil {
			return t, err
		}
		t[0] += time.Since(start)
		start = time.Now()
		out, err := s.server.Evaluate(ctx, in, s.keys)
		if err != nil {
			return t, err
		}
		t[1] += time.Since(start)
		start = time.Now()
		var left float64
		if all[k], left, err = s.client.Decrypt(ctx, out); err != nil {
			return t, err
		}
		s.left = min(s.left, left)
		t[2] += time.Since(start)
		r.Cost.Bytes.CiphertextIn += in.bytes()
		r.Cost.Bytes.CiphertextOut += out.bytes()
	}
	logits, err := s.plan.Join(all)
	s.logits = append(s.logits, logits)
	return t, err
}

func (s *exactSession) finish(r *he.Result) {
	all := make(he.NodeSeconds, len(s.plan.program.Nodes))
	for k := range s.server.servers {
		e := &s.server.servers[k]
		for i, x := range nodeSeconds(s.plan.program, e.program, e.seconds) {
			all[i] += x
		}
	}
	r.Answers, r.Accounts = s.logits, append(r.Accounts, all)
	if len(s.logits) > 0 {
		r.Accounts = append(r.Accounts, he.Noise{BitsLeft: s.left})
	}
}

func (p *ExactPlan) backend() he.Backend {
	return he.Backend{
		Name: "packed-bgv", LogN: p.logN, LogQP: p.LogQP(), PlaintextModuli: p.t, CiphertextModuli: p.ring.Q(),
		SecurityBits: p.SecurityBits(), PredictedBits: p.left[len(p.left)-1], Why: p.why, Single: true,
	}
}

// backend describes the plan for the report.
func (p *Plan) backend() he.Backend {
	return he.Backend{
		Name: "packed-ckks", LogN: p.logN, LogQP: p.LogQP(), CiphertextModuli: p.params.Q(),
		SecurityBits: p.SecurityBits(), Why: p.why, Approximate: true, Single: true,
	}
}
