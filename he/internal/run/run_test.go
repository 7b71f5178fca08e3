package run

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/internal/meter"
	"qtool/quant"
)

// program takes one code in 0..255.
func program() *bundle.Program {
	return &bundle.Program{Input: bundle.Input{Shape: []int{1}, Quantizer: quant.Params{Scale: 1, Bits: 8}}}
}

// echo is a session that answers with its samples, and fails in the batch that begins
// with bad.
type echo struct{ bad int32 }

var errBad = errors.New("bad")

func (e *echo) Batch(_ context.Context, samples []bundle.Sample, m *meter.Meter) (*he.Result, error) {
	r := &he.Result{}
	exact, err := Phases(m, &r.Cost, func() ([]bundle.Sample, error) { return samples, nil }, func(in []bundle.Sample) ([]bundle.Sample, error) {
		m.Add(3e6)
		if in[0][0] == e.bad {
			return nil, errBad
		}
		return in, nil
	}, func(out []bundle.Sample) (all he.Exact, err error) {
		for _, s := range out {
			all = append(all, s.Vec())
		}
		return all, nil
	})
	r.Answers, r.Accounts = exact, []he.Account{he.Noise{BitsLeft: float64(100 - samples[0][0])}}
	r.Cost.Bytes.CiphertextIn = int64(len(samples))
	return r, err
}

func samples(n int) (all []bundle.Sample) {
	for i := range n {
		all = append(all, bundle.Sample{int32(i)})
	}
	return all
}

// plan takes two samples a batch.
func plan(p *bundle.Program, s Session, started *int) Plan {
	return Plan{
		Package: "echo", Program: p, Slots: 2, KeyWork: 2e6, BatchWork: 3e6, Backend: he.Backend{Name: "echo"},
		Start: func(_ context.Context, m *meter.Meter) (Session, Made, error) {
			*started++
			m.Add(2e6)
			return s, Made{KeyBytes: 7, Encode: 1e-9}, nil
		},
	}
}

// Keys are made in the first run alone; batches are answered in order, with their phases
// and all the work told; the accounts are joined.
func TestRun(t *testing.T) {
	p, started := program(), 0
	e := New(p, plan(p, &echo{bad: -1}, &started))
	for run, total := range []int{2 + 3*3, 3 * 3} {
		var phases []string
		var last he.Step
		r, err := e.Run(t.Context(), samples(5), func(s he.Step) {
			if len(phases) == 0 || phases[len(phases)-1] != s.Phase {
				phases = append(phases, s.Phase)
			}
			if s.Done < last.Done || s.Total != total {
				t.Errorf("run %d: step %+v after %+v", run, s, last)
			}
			last = s
		})
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Repeat(" encrypt evaluate decrypt", 3)
		if run == 0 {
			want = " keygen" + want
		}
		if got := " " + strings.Join(phases, " "); got != want || last.Done != total {
			t.Errorf("run %d: phases%s, ends at %+v", run, got, last)
		}
		for i, v := range r.Answers.(he.Exact) {
			if v.Small[0] != int64(i) {
				t.Errorf("run %d: sample %d has the answer %v", run, i, v)
			}
		}
		if noise, _ := he.AccountOf[he.Noise](r); r.Answers.Len() != 5 || noise.BitsLeft != 96 || r.Cost.Bytes.Keys != 7 || r.Cost.Bytes.CiphertextIn != 1 {
			t.Errorf("run %d: %+v", run, r)
		}
		if (r.Cost.Seconds.Keygen != 0) != (run == 0) {
			t.Errorf("run %d: keys took %v s", run, r.Cost.Seconds.Keygen)
		}
	}
	if started != 1 {
		t.Errorf("keys were made %d times", started)
	}
}

// Times of single samples are an account where the plan asks for it; weights are encoded
// once.
func TestLatency(t *testing.T) {
	p, started := program(), 0
	one := plan(p, &echo{bad: -1}, &started)
	one.Slots, one.Latency = 1, &he.Latency{Plan: 5, Predicted: 6}
	e := New(p, one)
	for run, encode := range []float64{1e-9, 0} {
		r, err := e.Run(t.Context(), samples(3), nil)
		if err != nil {
			t.Fatal(err)
		}
		l, ok := he.AccountOf[*he.Latency](r)
		if !ok || l.Plan != 5 || l.Predicted != 6 || l.Encode != encode || !(l.Evaluate > 0 && l.First > 0) {
			t.Errorf("run %d: latency %+v", run, l)
		}
	}
}

func TestErrors(t *testing.T) {
	p, started := program(), 0
	for want, bad := range map[string]int32{"batch of samples 2 to 3: bad": 2, "sample 4: bad": 4} {
		r, err := New(p, plan(p, &echo{bad}, &started)).Run(t.Context(), samples(5), nil)
		if r != nil || !errors.Is(err, errBad) || err.Error() != want {
			t.Errorf("%v, %v, want %q", r, err, want)
		}
	}
	if _, err := New(p, plan(p, &echo{0}, &started)).Run(t.Context(), samples(2), nil); err != errBad {
		t.Errorf("of one batch alone: %v", err)
	}
	started = 0
	e := New(p, plan(p, &echo{-1}, &started))
	if r, err := e.Run(t.Context(), []bundle.Sample{{1}, {256}}, nil); r != nil || err == nil || err.Error() != "echo: sample 1: code 256 of element 0 is outside 0..255" {
		t.Errorf("%v, %v", r, err)
	}
	if r, err := e.Run(t.Context(), []bundle.Sample{{}}, nil); r != nil || err == nil || started != 0 {
		t.Errorf("%v, %v; keys were made %d times", r, err, started)
	}
	r, err := e.Run(t.Context(), nil, nil)
	if err != nil || !reflect.DeepEqual(r.Answers, he.Answers(he.Exact{})) || len(r.Accounts) != 0 {
		t.Errorf("no samples: %+v, %v", r, err)
	}
	failing := plan(p, nil, &started)
	failing.Start = func(context.Context, *meter.Meter) (Session, Made, error) { return nil, Made{}, errBad }
	if r, err := New(p, failing).Run(t.Context(), samples(1), nil); r != nil || err != errBad {
		t.Errorf("keys that fail: %v, %v", r, err)
	}
	done, stop := context.WithCancel(t.Context())
	stop()
	if r, err := e.Run(done, samples(1), nil); r != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, %v", r, err)
	}
	defer func() {
		if recover() == nil {
			t.Error("a plan for another program is taken")
		}
	}()
	New(program(), plan(p, nil, &started))
}
