package integer

import (
	"context"
	"errors"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/bundle/lstmtest"
	"qtool/he"
)

// The extremes over all steps and sequences are those that a direct look gives.
func TestDomains(t *testing.T) {
	p := lstmtest.Polynomial(lstmtest.Shape{Steps: 3, Inputs: 4, Hidden: 3}, 1, lstmtest.Variant{})
	e, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	all := lstmtest.Sequences(p, 150, 1)
	r, err := e.Run(context.Background(), all, nil)
	if err != nil {
		t.Fatal(err)
	}
	runner, err := bundle.NewRunner(p)
	if err != nil {
		t.Fatal(err)
	}
	body := p.Nodes[0].Op.(*bundle.Recurrent).Body
	domains, _ := he.AccountOf[he.Domains](r)
	if len(domains) != 5 {
		t.Fatalf("%d domains, want those of four gates and the cell", len(domains))
	}
	for _, d := range domains {
		lo, hi := 1e9, -1e9
		for _, s := range all {
			_, err := runner.RunRecurrent(s.Vec(), nil, func(_, _, k int, out bundle.Vec) {
				for i := range out.Len() {
					if body[k].Name == d.Node {
						lo, hi = min(lo, body[k].Real(out, i)), max(hi, body[k].Real(out, i))
					}
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if d.Layer != "lstm" || d.SeenLo != lo || d.SeenHi != hi || !(d.Lo < lo && lo < hi && hi < d.Hi) {
			t.Errorf("%+v, want [%v, %v]", d, lo, hi)
		}
	}
	if r, err := executor(t).Run(context.Background(), samples(3), nil); err != nil || len(r.Accounts) != 0 {
		t.Errorf("accounts %v of a program without domains, %v", r.Accounts, err)
	}
}

// A sequence that leaves a domain ends the run and is named.
func TestDomainError(t *testing.T) {
	p := lstmtest.Polynomial(lstmtest.Shape{Steps: 3, Inputs: 4, Hidden: 3}, 1, lstmtest.Variant{})
	for i := range p.Nodes[0].Op.(*bundle.Recurrent).Body {
		if d, ok := p.Nodes[0].Op.(*bundle.Recurrent).Body[i].Op.(*bundle.Domain); ok {
			d.Lo, d.Hi = d.Lo/64, d.Hi/64
		}
	}
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	e, err := New(p)
	if err != nil {
		t.Fatal(err)
	}
	r, err := e.Run(context.Background(), lstmtest.Sequences(p, 3, 1), nil)
	if r != nil || !errors.Is(err, bundle.ErrDomain) || !strings.Contains(err.Error(), "sample ") || !strings.Contains(err.Error(), `body node "z`) {
		t.Errorf("%v, %v", r, err)
	}
}
