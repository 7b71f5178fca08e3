package main

import (
	"strings"
	"testing"

	"qtool/bundle"
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
		e, err := encryptedExecutor(tableProgram(t, 1), 10, verifyOptions{backend: backend})
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
	_, err := encryptedExecutor(tableProgram(t, 1<<14), 10, verifyOptions{backend: "auto"})
	if err == nil || exitCode(err) != exitInsecure || hintFor(err) != narrowerHint || !strings.Contains(err.Error(), `layer "act"`) {
		t.Errorf("a domain of 98305 values gives %v, exit code %d", err, exitCode(err))
	}
}

func TestTableTimes(t *testing.T) {
	p := tableProgram(t, 1)
	b := verify.Backend{Tables: []verify.TableLayer{{Layer: "act", PerImage: 2}}}
	fillTables(&b, p, &verify.Result{Logits: make([]bundle.Vec, 5), NodeSeconds: []float64{100, 3}})
	if b.Tables[0].Microseconds != 300_000 {
		t.Errorf("%v microseconds a look-up, want 3 s over 10", b.Tables[0].Microseconds)
	}
}
