package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"qtool/bundle"
	"qtool/he"
	"qtool/kernel/cpu"
	"qtool/verify"
)

// asWorker makes this test's program the other end of Run.
const asWorker = "QTOOL_TEST_BENCH_WORKER"

func TestMain(m *testing.M) {
	if os.Getenv(asWorker) != "" {
		if err := Serve(context.Background(), os.Stdin, os.Stdout); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func command(ctx context.Context, portable bool) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), asWorker+"=1")
	if portable {
		cmd.Env = append(cmd.Env, cpu.Variable+"=portable")
	}
	return cmd
}

func TestSample(t *testing.T) {
	for _, c := range []struct {
		rounds         []float64
		median, spread float64
	}{{[]float64{2}, 2, 0}, {[]float64{3, 1, 2}, 2, 1}, {[]float64{4, 1, 2, 2}, 2, 1.5}, {[]float64{1, 3}, 2, 1}} {
		before := slices.Clone(c.rounds)
		if s := newSample(c.rounds, []float64{7}, ""); s.Median != c.median || s.CPU != 7 || s.Spread != c.spread || !slices.Equal(c.rounds, before) {
			t.Errorf("%v: median %v, spread %v, rounds %v", before, s.Median, s.Spread, c.rounds)
		}
	}
}

func TestFigureIsCompleted(t *testing.T) {
	peaks := map[Bound]float64{FloatPeak: 200}
	for _, c := range []struct {
		f             Figure
		faster, share float64
	}{
		{Figure{Task: Task{Kind: Kernel, Rate: true, Bound: FloatPeak}, Active: newSample([]float64{100}, nil, ""), Portable: newSample([]float64{10}, nil, "")}, 10, 0.5},
		{Figure{Task: Task{Kind: Image}, Active: newSample([]float64{10}, nil, ""), Portable: newSample([]float64{40}, nil, "")}, 4, 0},
		{Figure{Task: Task{Kind: Kernel, Rate: true, Bound: MemoryPeak}, Active: newSample([]float64{100}, nil, "")}, 0, 0},
		{Figure{Task: Task{Kind: Image}, Skipped: "no"}, 0, 0},
	} {
		c.f.complete(peaks)
		if c.f.Faster != c.faster || c.f.PeakShare != c.share {
			t.Errorf("%+v: %v times, %v of the peak", c.f.Task, c.f.Faster, c.f.PeakShare)
		}
	}
}

// Every kernel and peak runs, and its task names it alone.
func TestKernelsRun(t *testing.T) {
	seen := map[Task]bool{}
	for _, k := range append(peaks(), kernels()...) {
		if seen[k.Task] {
			t.Errorf("%+v is there twice", k.Task)
		}
		seen[k.Task] = true
		v, err := k.run(time.Microsecond)
		if err != nil || math.IsNaN(v) || math.IsInf(v, 0) || v < 0 || v == 0 && k.Bound != IntegerPeak {
			t.Errorf("%+v: %v, %v", k.Task, v, err)
		}
	}
}

// The look-ups of every width are measured, and keys are kept for the next round alone.
func TestTablesRun(t *testing.T) {
	if testing.Short() {
		t.Skip("makes keys for three widths")
	}
	var l tables
	for _, task := range tableTasks() {
		for range 2 {
			if r, err := l.round(t.Context(), task); err != nil || !(r.wall > 0) {
				t.Errorf("%+v: %+v, %v", task, r, err)
			}
		}
		if l.task != task {
			t.Errorf("keys are kept of %+v, want %+v", l.task, task)
		}
	}
	if _, err := l.round(t.Context(), tableTask(5)); !errors.Is(err, errUnknown) {
		t.Errorf("a width that is not measured: %v", err)
	}
}

func TestServe(t *testing.T) {
	var out bytes.Buffer
	known := kernels()[0].Task
	q := func(r request) string {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return string(b) + "\n"
	}
	in := q(request{Task: known, Slice: 1}) + q(request{Task: Task{Kind: Kernel, Name: "none"}}) +
		q(request{Task: Task{Kind: Lookup, Recipe: "testdata/tiny.yaml", Name: "none"}, Steps: 1}) + q(request{Describe: "no-such-recipe"})
	if err := Serve(context.Background(), strings.NewReader(in), &out); err != nil {
		t.Fatal(err)
	}
	var answers []answer
	for d := json.NewDecoder(&out); d.More(); {
		var a answer
		if err := d.Decode(&a); err != nil {
			t.Fatal(err)
		}
		answers = append(answers, a)
	}
	if len(answers) != 4 || answers[0].Error != "" || !(answers[0].Value > 0) || !fatal(answers[1].err()) || !fatal(answers[2].err()) || answers[3].err() == nil || fatal(answers[3].err()) {
		t.Errorf("answers %+v", answers)
	}
	if err := Serve(context.Background(), strings.NewReader("{"), &out); err == nil {
		t.Error("half a request is accepted")
	}
}

func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("encrypts in two processes")
	}
	var last, end int
	dir := t.TempDir()
	r, err := Run(context.Background(), Options{
		Recipes: []string{"testdata/tiny.yaml", "testdata/table.yaml"}, Rounds: 1, Steps: 1, Portable: true, Command: command, Profile: dir,
		Progress: func(done, total int, what string) {
			if done < last || done > total || what == "" {
				t.Errorf("step %d of %d after %d: %q", done, total, last, what)
			}
			last, end = done, total
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if last != end-1 { // told as the last round begins
		t.Errorf("progress ends at %d of %d", last, end)
	}
	var names []string
	for _, f := range r.Figures {
		names = append(names, f.Recipe+" "+f.Name)
		if f.Active == nil || f.Portable == nil || !(f.Active.Median > 0) || !(f.Faster > 0) {
			t.Errorf("%+v", f)
		}
	}
	want := []string{
		"testdata/tiny.yaml training, float", "testdata/tiny.yaml training, fake quantization", "testdata/tiny.yaml encrypted batch", "testdata/tiny.yaml one image, packed-ckks",
		"testdata/table.yaml training, float", "testdata/table.yaml training, fake quantization",
		"testdata/table.yaml look-up in a batch, one core, sigmoid1", "testdata/table.yaml look-up by blind rotation", "testdata/table.yaml one image by blind rotation, predicted",
	}
	if !slices.Equal(names, want) {
		t.Errorf("figures %q, want %q", names, want)
	}
	profiles, err := filepath.Glob(filepath.Join(dir, "t*-*.pprof"))
	if err != nil || len(profiles) != len(want) || !slices.Contains(profiles, filepath.Join(dir, "tiny-one-image-packed-ckks.pprof")) {
		t.Errorf("profiles %q, %v", profiles, err)
	}
	if len(r.Programs) != 2 || r.Machine.Cores < 1 {
		t.Errorf("programs %v, machine %+v", r.Programs, r.Machine)
	}
}

// What reads sentences is measured by what carries it, and a long task in one round.
func TestRunSentences(t *testing.T) {
	if testing.Short() {
		t.Skip("encrypts in two processes")
	}
	const rounds = 2
	last, end := 0, 0
	var shares []string
	r, err := Run(context.Background(), Options{
		Recipes: []string{"testdata/lstm.yaml", "testdata/cubic.yaml", "testdata/words.yaml"},
		Rounds:  rounds, Steps: 2, Portable: true, Short: true, Command: command,
		Progress: func(done, total int, what string) {
			last, end = done, total
			if strings.HasSuffix(what, " %") {
				shares = append(shares, what)
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if last != end-1 {
		t.Errorf("progress ends at %d of %d", last, end)
	}
	var names []string
	for _, f := range r.Figures {
		names = append(names, strings.TrimPrefix(f.Recipe, "testdata/")+" "+f.Name+" "+f.Unit)
		n := rounds
		if f.Long {
			n = 1
		}
		if f.Active == nil || len(f.Active.Rounds) != n || !(f.Active.Median > 0) || (f.Portable == nil) != f.Long || (f.LeftOut == "") == f.Long {
			t.Errorf("%+v", f)
		}
	}
	want := []string{
		"lstm.yaml training, float s/epoch", "lstm.yaml training, fake quantization s/epoch",
		"lstm.yaml look-up by blind rotation ms", "lstm.yaml one sentence by blind rotation, predicted s",
		"cubic.yaml training, float s/epoch", "cubic.yaml encrypted batch sentences/s",
		"words.yaml training, float s/epoch", "words.yaml encrypted batch sentences/s", "words.yaml one sentence, packed-ckks ms",
	}
	if !slices.Equal(names, want) {
		t.Errorf("figures %q, want %q", names, want)
	}
	if len(r.Programs) != 3 {
		t.Errorf("programs %v", r.Programs)
	}
	if n := len(shares); n < 2 || shares[n-1] != "testdata/cubic.yaml: encrypted batch: 100 %" {
		t.Errorf("shares of a long task: %q", shares)
	}
	pace := map[string]float64{}
	for _, f := range r.Figures {
		if f.Recipe == "testdata/lstm.yaml" && f.Kind == Lookup {
			pace[f.Unit] = f.Active.Median
		}
	}
	// 12 look-ups for the gates' and the cell's tables of two units, and more for products.
	if n := 1000 * pace["s"] / pace["ms"]; n < 5 {
		t.Errorf("a sentence of %v s takes %.1f look-ups of %v ms", pace["s"], n, pace["ms"])
	}
}

// answers is an executor that answers what it is told.
type answers struct{ he.Result }

func (answers) Backend() he.Backend { return he.Backend{} }

func (a answers) Run(context.Context, []bundle.Sample, func(he.Step)) (*he.Result, error) {
	return &a.Result, nil
}

// A logit that differs, or is farther off than stated, is an error.
func TestWrongLogits(t *testing.T) {
	ctx := context.Background()
	s, err := newSubject(ctx, "testdata/words.yaml", "", 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.prepare(ctx); err != nil {
		t.Fatal(err)
	}
	if err := s.take(ctx, 2); err != nil {
		t.Fatal(err)
	}
	exact := func(change int64) he.Result {
		var logits he.Exact
		for i, v := range s.reference {
			small := slices.Clone(v.Small)
			small[1] += change * int64(i)
			logits = append(logits, bundle.Vec{Small: small})
		}
		return he.Result{Answers: logits}
	}
	near := func(change float64) he.Result {
		a := he.Approximate{Bound: []float64{0.5, 0.5}, Usual: []float64{0.25, 0.25}}
		for _, v := range s.reference {
			a.Reals = append(a.Reals, []float64{v.Float(0), v.Float(1) + change})
		}
		return he.Result{Answers: a}
	}
	for _, c := range []struct {
		name  string
		r     he.Result
		wrong bool
	}{
		{"equal", exact(0), false}, {"one more", exact(1), true}, {"within the bound", near(0.4), false}, {"outside it", near(0.6), true}, {"no number", near(math.NaN()), true},
	} {
		if _, err := s.run(ctx, answers{c.r}, 2, nil); errors.Is(err, verify.ErrMismatch) != c.wrong || !c.wrong && err != nil {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
	if _, err := s.run(ctx, answers{}, 2, nil); err == nil {
		t.Error("an executor without answers is taken")
	}
}

func TestRunIsCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	r, err := Run(ctx, Options{
		Recipes: []string{"testdata/tiny.yaml"}, Rounds: 1000, Steps: 1, Command: command,
		Progress: func(done, _ int, _ string) {
			if done == 3 {
				cancel()
			}
		},
	})
	if r != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%+v, %v", r, err)
	}
}

// A process that ends, and a recipe that is not there, are errors that say so.
func TestRunFails(t *testing.T) {
	_, err := Run(context.Background(), Options{Recipes: []string{"no-such-recipe"}, Rounds: 1, Steps: 1, Command: command})
	if err == nil || !strings.Contains(err.Error(), "no-such-recipe") {
		t.Errorf("error %v", err)
	}
	_, err = Run(context.Background(), Options{Recipes: []string{"testdata/tiny.yaml"}, Rounds: 1, Steps: 1, Command: func(ctx context.Context, _ bool) *exec.Cmd {
		cmd := command(ctx, false)
		cmd.Args = append(cmd.Args, "-test.run=NoSuchTest")
		cmd.Env = slices.DeleteFunc(cmd.Env, func(s string) bool { return strings.HasPrefix(s, asWorker) })
		return cmd
	}})
	if err == nil || !strings.Contains(err.Error(), "a measuring process ended") {
		t.Errorf("error %v", err)
	}
}
