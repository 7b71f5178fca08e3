package lstm

import (
	"context"
	"errors"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"

	"qtool/bundle"
	"qtool/bundle/lstmtest"
	"qtool/he"
	"qtool/he/internal/hetest"
	"qtool/he/internal/rolestest"
	"qtool/he/security"
	"qtool/verify"
	"qtool/verify/integer"
)

// cells are small and meet every way of layout: inputs in several ciphertexts,
// sizes that are no powers of two, polynomials an element, a linear cell output.
func cells() map[string]*bundle.Program {
	return map[string]*bundle.Program{
		"odd cubics":  lstmtest.Polynomial(lstmtest.Shape{Steps: 3, Inputs: 4, Hidden: 4}, 1, lstmtest.Variant{}),
		"full cubics": lstmtest.Polynomial(lstmtest.Shape{Steps: 2, Inputs: 7, Hidden: 3}, 2, lstmtest.Variant{Full: true}),
		"linear cell": lstmtest.Polynomial(lstmtest.Shape{Steps: 2, Inputs: 3, Hidden: 5}, 3, lstmtest.Variant{LinearCell: true, Full: true}),
		"one step":    lstmtest.Polynomial(lstmtest.Shape{Steps: 1, Inputs: 1, Hidden: 2}, 4, lstmtest.Variant{}),
	}
}

// insecure is a plan in a ring too small to be secure, with so many bits of
// modulus.
func insecure(t testing.TB, p *bundle.Program, limit float64) *Plan {
	t.Helper()
	c, err := newCell(p, false)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := newPlan(t.Context(), p, c, Options{Bits: 1, Workers: 2}, 11, limit)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// compare holds results against the integer reference, as a verification does: the
// worst error, over its bound.
func compare(t testing.TB, p *bundle.Program, sequences []bundle.Sample, answers he.Approximate) float64 {
	t.Helper()
	reference, err := integer.New(p)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := reference.Run(context.Background(), sequences, nil)
	if err != nil {
		t.Fatal(err)
	}
	l := verify.Ladder{Output: p.Output(), Labels: make([]uint8, len(sequences)), Integer: hetest.Exact(t, plain), Encrypted: answers}
	c, err := l.Compare()
	if err != nil {
		t.Fatal(err)
	}
	for o, bound := range answers.Bound {
		if usual := answers.Usual[o]; !(usual > 0 && usual <= bound) {
			t.Errorf("logit %d: usual bound %g, bound %g", o, usual, bound)
		}
	}
	if c.Precision.Outside > 0 {
		t.Errorf("%d logits are outside of their bounds, first %+v", c.Precision.Outside, c.Precision.FirstOutside)
	}
	return c.Precision.WorstShare
}

// Results are within the stated error of the integer reference and, where noise
// is large, within what it is predicted to be of the same reals without noise.
func TestInsecureRun(t *testing.T) {
	for name, p := range cells() {
		t.Run(name, func(t *testing.T) {
			plan := insecure(t, p, 1000)
			all := lstmtest.Sequences(p, 20, 1)
			last := he.Step{}
			r, err := NewExecutor(p, plan).Run(context.Background(), all, func(s he.Step) {
				if s.Done < last.Done || s.Done > s.Total {
					t.Errorf("step %+v after %+v", s, last)
				}
				last = s
			})
			if err != nil {
				t.Fatal(err)
			}
			if last.Done != last.Total || last.Phase != "decrypt" {
				t.Errorf("steps end at %+v", last)
			}
			worst := compare(t, p, all, hetest.Approximate(t, r))
			if !(worst <= 1) {
				t.Errorf("worst error is %.3g times its bound", worst)
			}
			if r.Cost.Bytes.Keys == 0 || r.Cost.Bytes.CiphertextIn == 0 || r.Cost.Bytes.CiphertextOut != 2*8*2048 {
				t.Errorf("cost %+v", r.Cost)
			}
		})
	}
}

func TestInsecureNoise(t *testing.T) {
	for name, p := range cells() {
		t.Run(name, func(t *testing.T) {
			plan := insecure(t, p, 52+49+float64(31*(insecure(t, p, 1000).cell.limbs(0)-1)))
			if plan.message > 32 {
				t.Fatalf("values of %d bits: the noise is too small to measure", plan.message)
			}
			deviations := plan.noise(plan.cell.withoutRounding()).logits()
			all := lstmtest.Sequences(p, plan.Slots(), 1)
			r, err := NewExecutor(p, plan).Run(context.Background(), all, nil)
			if err != nil {
				t.Fatal(err)
			}
			sum, worst := 0.0, 0.0
			for i, s := range all {
				want := plan.cell.reals(s.Vec().Small)
				for o := range want {
					e := math.Abs(hetest.Approximate(t, r).Reals[i][o]-want[o]) / deviations[o]
					sum, worst = sum+e*e, math.Max(worst, e)
				}
			}
			mean := math.Sqrt(sum / float64(len(all)*len(deviations)))
			t.Logf("values of %d bits: error %.2g of the prediction, at worst %.2g", plan.message, mean, worst)
			// Predictions take the largest derivatives; a hundredth would be none.
			if worst > sureness || mean < 0.003 {
				t.Errorf("error %.2g of the prediction, at worst %.2g", mean, worst)
			}
		})
	}
}

// Giant steps and several batches give the same.
func TestInsecureSplit(t *testing.T) {
	p := cells()["full cubics"]
	plan := insecure(t, p, 900)
	plan.split = split{2, 2}
	all := lstmtest.Sequences(p, plan.Slots()+3, 1)
	r, err := NewExecutor(p, plan).Run(context.Background(), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	if worst := compare(t, p, all, hetest.Approximate(t, r)); !(worst <= 1) {
		t.Errorf("worst error is %.3g times its bound", worst)
	}
}

// Slots beyond the sequences stay in the domains, even where the smallest input
// does not.
func TestInsecureUnusedSlots(t *testing.T) {
	p := lstmtest.Polynomial(lstmtest.Shape{Steps: 3, Inputs: 8, Hidden: 3}, 1, lstmtest.Variant{})
	// The code of zero is far out: the input 128 stands for 0 instead, by the biases.
	r := p.Nodes[0].Op.(*bundle.Recurrent)
	for i := range r.Body {
		if d, ok := r.Body[i].Op.(*bundle.Dense); ok && r.Body[i].Inputs[0] == bundle.SequenceName {
			d.Bias = bundle.Vec{Small: make([]int64, d.Units)}
			for u := range d.Units {
				for k := range d.Inputs {
					w := &d.Weight[u*d.Inputs+k]
					*w = 100 - int32(k)
					d.Bias.Small[u] -= 128 * int64(*w)
				}
			}
		}
	}
	p.Input.Quantizer.ZeroPoint = 0
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	one := p.Input.Samples([][]uint8{slices.Repeat([]uint8{128, 130, 126, 128}, 6)})[0]
	if _, err := integerRun(p, make(bundle.Sample, 24)); !errors.Is(err, bundle.ErrDomain) {
		t.Fatalf("zeros stay in the domain: %v", err)
	}
	result, err := NewExecutor(p, insecure(t, p, 1000)).Run(context.Background(), []bundle.Sample{one}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if worst := compare(t, p, []bundle.Sample{one}, hetest.Approximate(t, result)); !(worst <= 1) {
		t.Errorf("worst error is %.3g times its bound", worst)
	}
}

func integerRun(p *bundle.Program, sequence bundle.Sample) (bundle.Vec, error) {
	r, err := bundle.NewRunner(p)
	if err != nil {
		return bundle.Vec{}, err
	}
	return r.Run(sequence.Vec(), nil)
}

func TestPlanIsSecure(t *testing.T) {
	p := lstmtest.Polynomial(lstmtest.Shape{Steps: 5, Inputs: 16, Hidden: 16}, 1, lstmtest.Variant{})
	plan, err := NewPlan(t.Context(), p, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := security.Check(plan.logN, plan.LogQP()); err != nil || plan.logN != 16 || plan.Slots() != 2048 || plan.SecurityBits() != 128 {
		t.Errorf("degree 2^%d, %d slots, %v", plan.logN, plan.Slots(), err)
	}
	for steps, want := range map[int]int{1: 14, 2: 14, 3: 15} {
		p := lstmtest.Polynomial(lstmtest.Shape{Steps: steps, Inputs: 4, Hidden: 4}, 1, lstmtest.Variant{LinearCell: true})
		plan, err := NewPlan(t.Context(), p, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if plan.logN != want || security.Check(plan.logN, plan.LogQP()) != nil {
			t.Errorf("%d steps: degree 2^%d, %.0f bits", steps, plan.logN, plan.LogQP())
		}
	}
	if _, err := NewPlan(t.Context(), p, Options{LogN: 15}); !errors.Is(err, security.ErrInsecure) {
		t.Errorf("small ring: %v", err)
	}
	if plan, err := NewPlan(t.Context(), p, Options{LogN: 15, AllowInsecure: true}); err != nil || plan.SecurityBits() >= 128 {
		t.Errorf("small ring, allowed: %v", err)
	}
	for name, o := range map[string]Options{"ring": {LogN: 17}, "precision": {Bits: 41}, "NaN": {Bits: math.NaN()}, "workers": {Workers: -1}} {
		if _, err := NewPlan(t.Context(), p, o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	long := lstmtest.Polynomial(lstmtest.Shape{Steps: 14, Inputs: 4, Hidden: 4}, 1, lstmtest.Variant{})
	if _, err := NewPlan(t.Context(), long, Options{}); !errors.Is(err, he.ErrInsufficient) || !strings.Contains(err.Error(), "14 steps of 4 elements") {
		t.Errorf("14 steps: %v", err)
	}
}

// Programs of another form are refused, and what is wrong is named.
func TestCellRefuses(t *testing.T) {
	shape := lstmtest.Shape{Steps: 2, Inputs: 3, Hidden: 4}
	for name, c := range map[string]struct {
		change func(p *bundle.Program, body func(string) *bundle.Node)
		want   string
	}{
		"a GRU":  {func(p *bundle.Program, _ func(string) *bundle.Node) { *p = *lstmtest.Unit(shape, 40, 1) }, `layer "lstm": 1 states, want the 2 of an LSTM`},
		"tables": {func(p *bundle.Program, _ func(string) *bundle.Node) { *p = *lstmtest.Table(shape, 40, 1) }, `body node "c1" is not a sum of two products`},
		"degree": {func(_ *bundle.Program, body func(string) *bundle.Node) {
			body("pf").Op.(*bundle.Polynomial).Coeffs[0] = bundle.Vec{Small: []int64{0, 1 << 40, 1 << 20}}
		}, `body node "pf": lstm: degree 2, want 3`},
		"sum": {func(_ *bundle.Program, body func(string) *bundle.Node) { body("sum").Inputs = []string{"ig", "ig"} }, `body node "sum" is not input i g + forget f c`},
		"zero": {func(_ *bundle.Program, body func(string) *bundle.Node) {
			body("sum").Op.(*bundle.Add).Weights[1] = 0
		}, `body node "sum" is not`},
		"c":    {func(_ *bundle.Program, body func(string) *bundle.Node) { body("ai").Inputs[1] = "c" }, `reads state "c"`},
		"cell": {func(_ *bundle.Program, body func(string) *bundle.Node) { body("ou").Inputs[1] = "f" }, `neither factor is a function of the new "c"`},
	} {
		p := lstmtest.Polynomial(shape, 1, lstmtest.Variant{})
		c.change(p, func(name string) *bundle.Node {
			r := p.Nodes[0].Op.(*bundle.Recurrent)
			for i := range r.Body {
				if r.Body[i].Name == name {
					return &r.Body[i]
				}
			}
			t.Fatalf("no %q", name)
			return nil
		})
		if err := p.Prove(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := NewPlan(t.Context(), p, Options{}); !errors.Is(err, he.ErrInsufficient) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	one := &bundle.Program{Input: bundle.Input{Shape: []int{3}}, Nodes: nil}
	if _, err := NewPlan(t.Context(), one, Options{}); err == nil {
		t.Error("an empty program is accepted")
	}
}

// pairOf is a client with a new secret key, and a server, of a plan.
func pairOf(t testing.TB, p *Plan) (*Client, *Server) {
	t.Helper()
	c, err := newPlanClient(p)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newServer(p, c.pair)
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

// Keys, inputs and outputs of another plan are refused, and sequences of another
// length.
func TestInsecureRolesRefuse(t *testing.T) {
	p := cells()["one step"]
	ctx := context.Background()
	client, s := pairOf(t, insecure(t, p, 700))
	stranger, _ := pairOf(t, insecure(t, p, 650))
	keys, err := client.evaluationKeys(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := stranger.evaluationKeys(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	in, err := client.encrypt(ctx, &p.Input, lstmtest.Sequences(p, 2, 1))
	if err != nil {
		t.Fatal(err)
	}
	strange, err := stranger.encrypt(ctx, &p.Input, lstmtest.Sequences(p, 1, 1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.evaluate(ctx, in, foreign, nil); err == nil {
		t.Error("keys of another plan are taken")
	}
	if _, err := s.evaluate(ctx, strange, keys, nil); err == nil {
		t.Error("inputs of another plan are taken")
	}
	out, err := s.evaluate(ctx, in, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	slots := client.half.slots()
	if _, err := stranger.decrypt(out, 1); err == nil {
		t.Error("outputs of another plan are decrypted")
	}
	if _, err := client.decrypt(out, slots+1); err == nil {
		t.Error("more sequences are decrypted than there are")
	}
	if _, err := client.encrypt(ctx, &p.Input, []bundle.Sample{{1}, {1, 2}}); err == nil || !strings.Contains(err.Error(), "sample 1 has 2 values, the program takes shape [1 1]") {
		t.Errorf("long sequence: %v", err)
	}
	if _, err := client.encrypt(ctx, &p.Input, nil); err == nil {
		t.Error("a batch of nothing is encrypted")
	}
	if _, err := client.encrypt(ctx, &p.Input, make([]bundle.Sample, slots+1)); err == nil {
		t.Error("too many sequences are encrypted")
	}
	if again, err := client.encrypt(ctx, &p.Input, lstmtest.Sequences(p, 2, 1)); err != nil || again.seed == in.seed || slices.Equal(again.steps[0][0][0][0], in.steps[0][0][0][0]) {
		t.Errorf("two encryptions are the same, %v", err)
	}
	stopped, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.evaluate(stopped, in, keys, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestServerHoldsNoSecretKey walks every type that a Server, a Plan or a public
// object reaches.
func TestServerHoldsNoSecretKey(t *testing.T) {
	rolestest.NoSecret(t, reflect.TypeFor[rlwe.SecretKey](), reflect.TypeFor[Client](),
		reflect.TypeFor[Server](), reflect.TypeFor[Plan](), reflect.TypeFor[EvaluationKeys](), reflect.TypeFor[Inputs](), reflect.TypeFor[Outputs]())
}
