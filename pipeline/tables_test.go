package pipeline

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/bgvlut"
	"qtool/he/tfhe"
	"qtool/internal/hint"
	"qtool/quant"
	"qtool/verify"
)

// tableProgram is a dense layer on two 2-bit inputs and a table on its output.
func tableProgram(t *testing.T, weight int32) *bundle.Program {
	t.Helper()
	hi := 6 * int64(weight)
	p := &bundle.Program{
		Input: bundle.Input{Shape: []int{2}, Quantizer: quant.Params{Scale: 1, Bits: 2}},
		Nodes: []bundle.Node{
			{Name: "fc", Op: &bundle.Dense{Units: 1, Inputs: 2, Weight: []int32{weight, weight}, Bias: bundle.Vec{Small: []int64{0}}}, Scale: []float64{1}, Bits: 3},
			{Name: "act", Op: &bundle.LookupTable{Tables: []bundle.Table{{Values: make([]int32, hi+1)}}}, Scale: []float64{1}},
		},
		Labels: []string{"x"},
	}
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTablesGoToTheirExecutor(t *testing.T) {
	for _, backend := range []string{"auto", "bgv"} {
		e, err := (Encryption{Backend: backend}).Executor(t.Context(), tableProgram(t, 1), 10)
		if err != nil {
			t.Fatal(err)
		}
		b := e.Backend()
		if b.Name != "bgv" || len(b.Tables) != 1 || b.Tables[0].Layer != "act" || b.Tables[0].Domain != 7 {
			t.Errorf("%s: %+v", backend, b)
		}
		if said := strings.Contains(strings.Join(b.Why, "\n"), "auto takes the batch executor"); said != (backend == "auto") {
			t.Errorf("%s: reasons %q", backend, b.Why)
		}
	}
	_, err := (Encryption{Backend: "auto"}).Executor(t.Context(), tableProgram(t, 1<<14), 10)
	if !errors.Is(err, he.ErrInsufficient) || hint.Of(err) != narrowerHint || !strings.Contains(err.Error(), `layer "act"`) {
		t.Errorf("a domain of 98305 values gives %v", err)
	}
}

// A batch takes as long for one image as for all, blind rotation as long as its
// look-ups: auto takes blind rotation for the first image, batches for many, and changes
// its mind once, where the predicted work meets.
func TestFewImagesAreLookedUp(t *testing.T) {
	const inputs, units = 784, 24
	p := &bundle.Program{
		Input: bundle.Input{Shape: []int{inputs}, Quantizer: quant.Params{Scale: 1, Bits: 1}},
		Nodes: []bundle.Node{
			{Name: "fc", Op: &bundle.Dense{Units: units, Inputs: inputs, Weight: make([]int32, units*inputs), Bias: bundle.Vec{Small: make([]int64, units)}}, Scale: []float64{1}, Bits: 2},
			{Name: "act", Op: &bundle.LookupTable{Tables: []bundle.Table{{Lo: -63, Values: make([]int32, 127)}}}, Scale: []float64{1}},
		},
		Labels: make([]string, units),
	}
	for o := range units {
		for k := range 126 {
			p.Nodes[0].Op.(*bundle.Dense).Weight[o*inputs+(k*31+o)%inputs] = int32(2*(k%2) - 1)
		}
	}
	for i := range 127 {
		p.Nodes[1].Op.(*bundle.LookupTable).Tables[0].Values[i] = int32(i / 32)
	}
	for i := range p.Labels {
		p.Labels[i] = fmt.Sprint(i)
	}
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	single, err := tfhe.NewPlan(t.Context(), p, tfhe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	before := "pbs"
	for _, images := range []int{1, 4, 1000} {
		e, err := (Encryption{Backend: "auto"}).Executor(t.Context(), p, images)
		if err != nil {
			t.Fatal(err)
		}
		batches, err := bgvlut.NewPlan(t.Context(), p, bgvlut.Options{Samples: images})
		if err != nil {
			t.Fatal(err)
		}
		want := "bgv"
		if single.Work(images) < batches.Work(images) {
			want = "pbs"
		}
		b := e.Backend()
		if b.Name != want || before == "bgv" && want == "pbs" {
			t.Errorf("%d images: %s after %s, where blind rotation is predicted to take %.2g core seconds and batches %.2g",
				images, b.Name, before, single.Work(images), batches.Work(images))
		}
		if why := b.Why[len(b.Why)-1]; !strings.Contains(why, fmt.Sprintf("%.3g core seconds predicted for", min(single.Work(images), batches.Work(images)))) {
			t.Errorf("%d images: because %q", images, why)
		}
		before = want
		if images == 1 && want != "pbs" || images == 1000 && want != "bgv" {
			t.Errorf("%d images go to %s", images, want)
		}
	}
}

// auto takes blind rotation where the network is too deep for batches, and says so.
func TestDeepTablesAreLookedUp(t *testing.T) {
	deep := tableProgram(t, 1)
	deep.Nodes = nil
	in := 2
	for i := range 24 {
		fc := &bundle.Dense{Units: 1, Inputs: in, Weight: slices.Repeat([]int32{1}, in), Bias: bundle.Vec{Small: []int64{0}}}
		act := &bundle.LookupTable{Tables: []bundle.Table{{Values: []int32{0, 3, 1, 2, 2, 1, 3}[:3*in+1]}}}
		deep.Nodes = append(deep.Nodes,
			bundle.Node{Name: fmt.Sprint("fc", i), Op: fc, Scale: []float64{1}, Bits: 2},
			bundle.Node{Name: fmt.Sprint("act", i), Op: act, Scale: []float64{1}})
		in = 1
	}
	if err := deep.Prove(); err != nil {
		t.Fatal(err)
	}
	if _, err := (Encryption{Backend: "bgv"}).Executor(t.Context(), deep, 10); !errors.Is(err, he.ErrInsufficient) {
		t.Errorf("in batches: %v", err)
	}
	e, err := (Encryption{Backend: "auto"}).Executor(t.Context(), deep, 10)
	if err != nil {
		t.Fatal(err)
	}
	if b := e.Backend(); b.Name != "pbs" || !strings.Contains(b.Why[len(b.Why)-1], "batches cannot carry the tables: bgvlut: ") {
		t.Errorf("auto: %s, because %q", b.Name, b.Why)
	}
	a := &Env{}
	samples := deep.Input.Samples([][]uint8{{0, 0}, {255, 0}})
	runner, err := bundle.NewRunner(deep)
	if err != nil {
		t.Fatal(err)
	}
	l := &verify.Ladder{Output: deep.Output(), Labels: []uint8{0, 0}}
	for _, s := range samples {
		v, err := runner.Run(s.Vec(), nil)
		if err != nil {
			t.Fatal(err)
		}
		l.Integer = append(l.Integer, v)
	}
	s, err := a.simulate(t.Context(), e, samples, l)
	if err != nil || s.Backend != "pbs" || s.Images != 2 || s.Accuracy != 1 || s.LogitMismatches != 0 || s.Lookups == nil || s.Lookups.Done < 48 {
		t.Errorf("simulated: %+v, %v", s, err)
	}
}

// A wrong entry excuses its own image, and only as often as was predicted.
func TestFailedLookupsAreExplained(t *testing.T) {
	r := &verify.Report{LogitMismatches: 3, Explained: 3, FirstMismatch: &verify.Mismatch{}, Lookups: &he.Lookups{Done: 100, Missed: 1, Failed: 1, Expected: 0.5}}
	if err := r.Err(); err != nil {
		t.Error(err)
	}
	r.Lookups.Missed = 20
	if err := r.Err(); !errors.Is(err, verify.ErrMismatch) {
		t.Errorf("20 decryption failures where 0.5 are expected: %v", err)
	}
	r.Lookups.Missed, r.LogitMismatches = 1, 4
	if err := r.Err(); !errors.Is(err, verify.ErrMismatch) || !strings.Contains(err.Error(), ": 1 of them") {
		t.Errorf("a logit that is not explained: %v", err)
	}
}

func TestTableTimes(t *testing.T) {
	p := tableProgram(t, 1)
	b := he.Backend{Tables: []he.TableLayer{{Layer: "act", PerSample: 2}}}
	fillTables(&b, p, &he.Result{Answers: make(he.Exact, 5), Accounts: []he.Account{he.NodeSeconds{100, 3}}})
	if b.Tables[0].Microseconds != 300_000 {
		t.Errorf("%v microseconds a look-up, want 3 s over 10", b.Tables[0].Microseconds)
	}
}
