package files_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/bundle/lstmtest"
	"qtool/he"
	"qtool/he/choose"
	"qtool/he/internal/halvestest"
	"qtool/he/roles/files"
	"qtool/he/tfhe"
	"qtool/he/wire"
)

// planned is a plan under insecure parameters, and its program.
type planned struct {
	*choose.Plan
	program *bundle.Program
}

// plans are of all back ends.
func plans(t *testing.T) map[string]planned {
	t.Helper()
	all, squares := map[string]planned{}, squares(t)
	for name, c := range map[string]struct {
		backend string
		p       *bundle.Program
	}{
		"bgv": {"bgv", squares}, "packed-ckks": {"packed-ckks", squares}, "packed-bgv": {"packed-bgv", squares},
		"bgvlut": {"bgv", tables(t)}, "lstm": {"packed-ckks", sequences(t)},
	} {
		logN := 10
		if name == "lstm" {
			logN = 12
		}
		plan, err := choose.New(t.Context(), c.p, choose.Options{Backend: c.backend, LogN: logN, AllowInsecure: true})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = planned{plan, c.p}
	}
	plan, err := tfhe.NewPlan(t.Context(), squares, tfhe.Options{AllowInsecure: true, Parameters: &tfhe.ParametersLiteral{
		LogN: 10, LogQ: 50, Ring: [2]tfhe.Digits{{Base: 20, Levels: 1}, {Base: 15, Levels: 2}}, Dimension: 16, Group: 2, LogSmallQ: 22, Switch: tfhe.Digits{Base: 4, Levels: 4},
	}})
	if err != nil {
		t.Fatal(err)
	}
	all["tfhe"] = planned{&choose.Plan{Backend: plan}, squares}
	for name, p := range all {
		if part, err := p.ClientPart(); err != nil || part.Executor != name {
			t.Errorf("%s: planned for %s, %v", name, part.Executor, err)
		}
	}
	return all
}

func squares(t testing.TB) *bundle.Program {
	b := bundletest.New(7, 1, 6).Narrow(6).Dense(4, 1).Square().Dense(3, 1)
	return halvestest.Whole(t, b.Done(), b.Samples(3))
}

func tables(t testing.TB) *bundle.Program {
	b := bundletest.New(8, 1, 6).Narrow(6).Dense(4, 1).Sigmoid(2).Dense(3, 1)
	return halvestest.Whole(t, b.Done(), b.Samples(3))
}

func sequences(t testing.TB) *bundle.Program {
	p := lstmtest.Polynomial(lstmtest.Shape{Steps: 2, Inputs: 3, Hidden: 2}, 1, lstmtest.Variant{})
	return halvestest.Whole(t, p, lstmtest.Sequences(p, 3, 1))
}

// What is run through files is what is run in a process: the integers of the program or,
// of CKKS, reals within their bound.
func TestInsecureExecutor(t *testing.T) {
	for name, plan := range plans(t) {
		t.Run(name, func(t *testing.T) {
			t.Setenv("TMPDIR", t.TempDir())
			p := plan.program
			e := files.NewExecutor(bundle.Alone(p), plan, plan.Executor(p).Backend())
			var phases []string
			last := he.Step{}
			step := func(s he.Step) {
				if len(phases) == 0 || phases[len(phases)-1] != s.Phase {
					phases = append(phases, s.Phase)
				}
				if s.Done < last.Done || s.Done > s.Total {
					t.Errorf("step %+v after %+v", s, last)
				}
				last = s
			}
			samples := bundletest.Samples(p, 5)
			for round, want := range [][]string{{"keygen", "encrypt", "evaluate", "decrypt"}, {"encrypt", "evaluate", "decrypt"}} {
				phases, last = nil, he.Step{}
				r, err := e.Run(t.Context(), samples[round:], step)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(phases, want) || last.Done != last.Total {
					t.Errorf("run %d: phases %v end at %+v", round, phases, last)
				}
				check(t, p, samples[round:], r)
				if b := r.Cost.Bytes; b.CiphertextIn <= 0 || b.CiphertextOut <= 0 || b.Keys < wire.Size(0) {
					t.Errorf("bytes %+v", b)
				}
				if _, ok := he.AccountOf[he.Noise](r); ok == e.Backend().Approximate {
					t.Errorf("accounts %v", r.Accounts)
				}
			}
			if r, err := e.Run(t.Context(), nil, nil); err != nil || r.Answers.Len() != 0 {
				t.Errorf("no samples: %v, %v", r, err)
			}
			folder := only(t, os.TempDir())
			for file, mode := range map[string]os.FileMode{"": 0o700, "secret.key": 0o600, "evaluation.keys": 0o600} {
				info, err := os.Stat(filepath.Join(folder, file))
				if err != nil || info.Mode().Perm() != mode {
					t.Errorf("%q has mode %v, want %v: %v", file, info.Mode().Perm(), mode, err)
				}
			}
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
				t.Errorf("Close leaves %v: %v", left, err)
			}
		})
	}
}

// only is the one thing in a folder.
func only(t *testing.T, dir string) string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil || len(list) != 1 {
		t.Fatalf("%d things in the temporary folder: %v", len(list), err)
	}
	return filepath.Join(dir, list[0].Name())
}

func check(t *testing.T, p *bundle.Program, samples []bundle.Sample, r *he.Result) {
	t.Helper()
	switch a := r.Answers.(type) {
	case he.Exact:
		bundletest.CheckExact(t, p, samples, a)
	case he.Approximate:
		for i, want := range bundletest.Reference(t, p, samples) {
			for k, x := range a.Reals[i] {
				if d := x - want.Float(k); max(d, -d) > 3*a.Bound[k] { // rounding adds up to two
					t.Errorf("sample %d, output %d: %v, want %v within %g", i, k, x, want.At(k), a.Bound[k])
				}
			}
		}
	}
}

// What fails leaves no files, and what has files works again.
func TestInsecureExecutorFails(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	plan := plans(t)["bgv"]
	p := plan.program
	e := files.NewExecutor(bundle.Alone(p), plan, he.Backend{})
	defer e.Close()
	if _, err := e.Run(t.Context(), []bundle.Sample{{1}}, nil); err == nil {
		t.Error("a short sample is run")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	samples := bundletest.Samples(p, 2)
	if _, err := e.Run(ctx, samples, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is done: %v", err)
	}
	if left, err := os.ReadDir(os.TempDir()); err != nil || len(left) != 0 {
		t.Errorf("%v are left: %v", left, err)
	}
	if _, err := e.Run(t.Context(), samples, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Run(ctx, samples, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is done: %v", err)
	}
	r, err := e.Run(t.Context(), samples, nil)
	if err != nil {
		t.Fatal(err)
	}
	check(t, p, samples, r)
	// A full disk, or no disk at all.
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	if _, err := files.NewExecutor(bundle.Alone(p), plan, he.Backend{}).Run(t.Context(), samples, nil); err == nil {
		t.Error("a run without a folder")
	}
}
