package bundle_test

import (
	"testing"

	"qtool/bundle"
	"qtool/bundle/lstmtest"
)

// What only a loop's body has is used too.
func TestUses(t *testing.T) {
	s := lstmtest.Shape{Steps: 2, Inputs: 2, Hidden: 2}
	tables, polynomials := lstmtest.Table(s, 100, 1), lstmtest.Polynomial(s, 1, lstmtest.Variant{})
	for _, c := range []struct {
		p    *bundle.Program
		kind bundle.Kind
		want bool
	}{
		{tables, bundle.KindRecurrent, true}, {tables, bundle.KindLookupTable, true}, {tables, bundle.KindPolynomial, false}, {tables, bundle.KindConv2D, false},
		{polynomials, bundle.KindRecurrent, true}, {polynomials, bundle.KindLookupTable, false}, {polynomials, bundle.KindPolynomial, true}, {polynomials, bundle.KindDense, true},
	} {
		if got := c.p.Uses(c.kind); got != c.want {
			t.Errorf("uses %v: %v", c.kind, got)
		}
	}
}
