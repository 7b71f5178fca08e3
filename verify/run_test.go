package verify

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/he"
	"qtool/quant"
	"qtool/verify/runlog"
)

// echo answers with the first byte of every sample, exactly or approximately. It is
// stopped in the batch numbered stop, from 1.
type echo struct {
	backend   he.Backend
	ran, stop int
	cause     error
}

func (e *echo) Backend() he.Backend { return e.backend }

func (e *echo) Run(_ context.Context, samples []bundle.Sample, step func(he.Step)) (*he.Result, error) {
	if e.ran++; e.ran == e.stop {
		return nil, e.cause
	}
	step(he.Step{Phase: "evaluate", Done: 1, Total: 1})
	x := float64(samples[0][0])
	noise := he.Noise{BitsLeft: 10 - x}
	if x == 0 {
		noise.BitsLeft = math.Inf(1)
	}
	r := &he.Result{Accounts: []he.Account{noise, he.NodeSeconds{1, 2}}}
	r.Cost.Seconds.Encrypt, r.Cost.Bytes.CiphertextIn = 1, 7
	exact, near := he.Exact{}, he.Approximate{Bound: []float64{0.5 + x/100}, Usual: []float64{0.25}}
	for _, s := range samples {
		near.Reals = append(near.Reals, []float64{float64(s[0]) + 0.1})
		exact = append(exact, bundle.NewVec([]*big.Int{new(big.Int).Lsh(big.NewInt(int64(s[0])), 80), big.NewInt(-1)}))
	}
	if r.Answers = exact; e.backend.Approximate {
		r.Answers = near
	}
	if e.backend.Single {
		l := &he.Latency{Encrypt: x, Evaluate: 10 * x, Decrypt: 100 * x, First: 5 + x, Plan: 3}
		if e.ran == 1 {
			l.Encode = 2
		}
		r.Accounts = append(r.Accounts, l)
	} else {
		r.Accounts = append(r.Accounts, &he.Lookups{Done: len(samples), FailedSamples: []int{0}})
	}
	return r, nil
}

// identity makes the code of each byte b itself.
var identity = bundle.Input{Shape: []int{1}, Quantizer: quant.Params{Scale: 1.0 / 255, Bits: 8}}

func bytesOf(n int) (all [][]uint8) {
	for i := range n {
		all = append(all, []uint8{uint8(i)})
	}
	return all
}

// Every kind of back end, interrupted at every batch and resumed, gives what an
// uninterrupted run does, and repeats no finished batch.
func TestRunResumes(t *testing.T) {
	for _, b := range []he.Backend{
		{Name: "batches", Slots: 3, PlaintextModuli: []uint64{3, 5}},
		{Name: "single", Single: true},
		{Name: "approximate", Approximate: true, Single: true},
		{Name: "sequences", Approximate: true, Slots: 4},
	} {
		t.Run(b.Name, func(t *testing.T) {
			const samples = 8
			task := func(e *echo, path string, resume bool) Task {
				return Task{Executor: e, Input: identity, Samples: bytesOf(samples), Log: path, Resume: resume, BundleSHA256: "b", DatasetSHA256: "d"}
			}
			whole := &echo{backend: b}
			want, err := Run(t.Context(), task(whole, "", false))
			if err != nil {
				t.Fatal(err)
			}
			if want.Answers.Len() != samples {
				t.Fatalf("%d answers", want.Answers.Len())
			}
			for stop := 1; stop <= whole.ran; stop++ {
				path := filepath.Join(t.TempDir(), "log")
				_, err := Run(t.Context(), task(&echo{backend: b, stop: stop, cause: context.Canceled}, path, false))
				var i *InterruptedError
				if !errors.As(err, &i) || !errors.Is(err, context.Canceled) || i.Finished != stop-1 || i.Batches != whole.ran || i.Log != path {
					t.Fatalf("stopped in batch %d: %v", stop, err)
				}
				e, kept := &echo{backend: b}, 0
				again := task(e, path, true)
				again.Resumed = func(samples int, torn int64) { kept = samples }
				var steps []int
				again.Progress = func(p Progress) { steps = append(steps, p.Batch) }
				got, err := Run(t.Context(), again)
				if err != nil {
					t.Fatal(err)
				}
				if e.ran != whole.ran-stop+1 || kept != (stop-1)*max(b.BatchSize(), 1) {
					t.Errorf("stopped in batch %d: %d batches of %d are run then, %d samples were kept", stop, e.ran, whole.ran, kept)
				}
				if first := stop - 1; len(steps) != e.ran || steps[0] != first {
					t.Errorf("progress of batches %v, from %d on", steps, first)
				}
				if l, ok := he.AccountOf[*he.Latency](got); ok {
					whole, _ := he.AccountOf[*he.Latency](want)
					l.Encode = whole.Encode // of both runs the longest
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("stopped in batch %d and resumed: %+v, want %+v", stop, got, want)
				}
				// A finished log answers all.
				e = &echo{backend: b}
				if _, err := Run(t.Context(), task(e, path, true)); err != nil || e.ran != 0 {
					t.Errorf("a finished log: %d batches are run, %v", e.ran, err)
				}
			}
		})
	}
}

func TestRunJoins(t *testing.T) {
	r, err := Run(t.Context(), Task{Executor: &echo{backend: he.Backend{Slots: 3}}, Input: identity, Samples: bytesOf(8)})
	if err != nil {
		t.Fatal(err)
	}
	noise, _ := he.AccountOf[he.Noise](r)
	seconds, _ := he.AccountOf[he.NodeSeconds](r)
	if r.Cost.Seconds.Encrypt != 3 || r.Cost.Bytes.CiphertextIn != 7 || noise.BitsLeft != 4 || !slices.Equal(seconds, he.NodeSeconds{3, 6}) {
		t.Errorf("%+v; want 3 s, 7 bytes, the least of infinitely many, 7 and 4 bits, and 3 and 6 s a node", r)
	}
	if l, ok := he.AccountOf[*he.Lookups](r); !ok || l.Done != 8 || !slices.Equal(l.FailedSamples, []int{0, 3, 6}) {
		t.Errorf("look-ups %+v, want 8 done and the first sample of each batch failed", l)
	}
	r, err = Run(t.Context(), Task{Executor: &echo{backend: he.Backend{Single: true, Approximate: true}}, Input: identity, Samples: bytesOf(5)})
	if err != nil {
		t.Fatal(err)
	}
	l, ok := he.AccountOf[*he.Latency](r)
	if !ok {
		t.Fatal("no latency")
	}
	if want := (he.Latency{Encrypt: 2, Evaluate: 20, Decrypt: 200, First: 5, Plan: 3, Encode: 2}); *l != want {
		t.Errorf("latency %+v, want %+v", *l, want)
	}
	if a := r.Answers.(he.Approximate); !slices.Equal(a.Bound, []float64{0.54}) || !slices.Equal(a.Usual, []float64{0.25}) {
		t.Errorf("errors %v and %v, want the largest stated", a.Bound, a.Usual)
	}
}

// What the answers depend on is compared, and nothing else.
func TestRunIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	base := he.Backend{Name: "bgv", Slots: 2, LogN: 13, PlaintextModuli: []uint64{3}, CiphertextModuli: []uint64{5}, SecurityBits: 128, Budget: []he.StageBudget{{Layer: "fc", BitsLeft: 3}}}
	task := Task{Executor: &echo{backend: base, stop: 3, cause: context.Canceled}, Input: identity, Samples: bytesOf(6), Log: path, BundleSHA256: "b", DatasetSHA256: "d"}
	if _, err := Run(t.Context(), task); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for key, change := range map[string]func(*Task, *he.Backend){
		"back end":          func(_ *Task, b *he.Backend) { b.Name = "pbs" },
		"bundle":            func(t *Task, _ *he.Backend) { t.BundleSHA256 = "other" },
		"dataset":           func(t *Task, _ *he.Backend) { t.DatasetSHA256 = "other" },
		"samples":           func(t *Task, _ *he.Backend) { t.Samples = bytesOf(5) },
		"ring degree":       func(_ *Task, b *he.Backend) { b.LogN = 14 },
		"slots":             func(_ *Task, b *he.Backend) { b.Slots = 3 },
		"plaintext moduli":  func(_ *Task, b *he.Backend) { b.PlaintextModuli = []uint64{7} },
		"ciphertext moduli": func(_ *Task, b *he.Backend) { b.CiphertextModuli = nil },
		"torus slots":       func(_ *Task, b *he.Backend) { b.TorusSlots = 2 },
		"security bits":     func(_ *Task, b *he.Backend) { b.SecurityBits = 60 },
		"predicted noise":   func(_ *Task, b *he.Backend) { b.Budget = []he.StageBudget{{Layer: "fc", BitsLeft: 4}} },
	} {
		other, b := task, base
		other.Resume = true
		change(&other, &b)
		e := &echo{backend: b}
		other.Executor = e
		_, err := Run(t.Context(), other)
		var d *runlog.DifferentError
		if !errors.As(err, &d) || !slices.Equal(d.Keys, []string{key}) || e.ran != 0 {
			t.Errorf("another %s: %v after %d batches", key, err, e.ran)
		}
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("a refused log was changed, %v", err)
	}
	same, b := task, base
	b.Why, b.PredictedBits = []string{"measured"}, 3
	e := &echo{backend: b}
	same.Resume, same.Executor = true, e
	if _, err := Run(t.Context(), same); err != nil || e.ran != 1 {
		t.Errorf("%d batches are run, %v; want the last one", e.ran, err)
	}
}

func TestRunErrors(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		backend he.Backend
		want    string
	}{
		{he.Backend{Single: true}, "sample 1: broken"},
		{he.Backend{Slots: 3}, "batch of samples 3 to 5: broken"},
	} {
		path := filepath.Join(t.TempDir(), "log")
		e := &echo{backend: c.backend, stop: 2, cause: broken}
		r, err := Run(t.Context(), Task{Executor: e, Input: identity, Samples: bytesOf(8), Log: path})
		if r != nil || !errors.Is(err, broken) || err.Error() != c.want {
			t.Errorf("%v, %v, want %q", r, err, c.want)
		}
		e = &echo{backend: c.backend}
		kept := 0
		if _, err := Run(t.Context(), Task{Executor: e, Input: identity, Samples: bytesOf(8), Log: path, Resume: true, Resumed: func(n int, _ int64) { kept = n }}); err != nil || kept == 0 {
			t.Errorf("%d samples kept of a run that failed, %v", kept, err)
		}
	}
	r, err := Run(t.Context(), Task{Executor: &echo{}, Input: identity, Samples: bytesOf(1), Log: filepath.Join(t.TempDir(), "missing", "log")})
	if r != nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a log in a missing folder: %v", err)
	}
}

// A log whose records are whole but say what cannot be is refused.
func TestRunRefusesRecords(t *testing.T) {
	e := &echo{backend: he.Backend{Slots: 2}}
	task := Task{Executor: e, Input: identity, Samples: bytesOf(4), Resume: true}
	for k, records := range [][]string{
		{`{"from":0,"logits":[[1],[2,3]]}`},
		{`{"from":0,"logits":[[1],[null]]}`},
		{`{"from":0,"logits":[[1],[]]}`},
		{`{"from":0}`},
		{`{"from":1,"logits":[[1]]}`},
		{`{"from":0,"logits":[[1],[1],[1],[1],[1]]}`},
		{`{"from":0,"logits":[[1]],"reals":[[1]],"bound":[1],"usual":[1]}`},
		{`{"from":0,"reals":[[1]],"bound":[1,2],"usual":[1]}`},
		{`{"from":0,"logits":[[1]]}`, `{"from":1,"reals":[[1]],"bound":[1],"usual":[1]}`},
		{`{"from":0,"reals":[[1]],"bound":[1],"usual":[1],"decisions":[{"label":1}]}`},
		{`{"from":0,"reals":[[1],[1]],"bound":[1],"usual":[1],"decisions":[{"label":0}]}`},
		{`{"from":0,"reals":[[1]],"bound":[1],"usual":[1],"decisions":[{"label":0}]}`, `{"from":1,"reals":[[1]],"bound":[1],"usual":[1]}`},
		{`{"from":0,"logits":[[1]]}`, `{"from":0,"logits":[[1]]}`},
		{`{"from":0,"reals":[[1]],"bound":[1],"usual":[1]}`, `{"from":1,"reals":[[1,2]],"bound":[1,2],"usual":[1,2]}`},
		{`{"from":0,"logits":[[1]],"node_seconds":[1]}`, `{"from":1,"logits":[[1]],"node_seconds":[1,2]}`},
		{`{"from":0,"logits":[[1]]}`, `{"from":1,"logits":[[1]],"domains":[{}]}`},
		{`nonsense`},
	} {
		task.Log = filepath.Join(t.TempDir(), fmt.Sprint(k))
		l, err := runlog.Create(task.Log, (&run{Task: task}).identity())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			if err := l.Append([]byte(r)); err != nil {
				t.Fatal(err)
			}
		}
		l.Close()
		if r, err := Run(t.Context(), task); r != nil || err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%s: record %d: ", task.Log, len(records))) {
			t.Errorf("%q: %v, %v", records, r, err)
		}
	}
	if e.ran != 0 {
		t.Errorf("%d batches were run behind a refused log", e.ran)
	}
}

func ExampleRun() {
	task := Task{Executor: &echo{backend: he.Backend{Name: "bgv", Slots: 2}}, Input: identity, Samples: [][]uint8{{3}, {1}, {2}}}
	task.Progress = func(p Progress) { fmt.Printf("batch %d of %d\n", p.Batch+1, p.Batches) }
	r, err := Run(context.Background(), task)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Answers.Len(), "answers")
	// Output:
	// batch 1 of 2
	// batch 2 of 2
	// 3 answers
}
