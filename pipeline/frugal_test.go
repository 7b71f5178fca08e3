package pipeline

import (
	"context"
	"errors"
	"runtime/debug"
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/bundle/lstmtest"
	"qtool/he"
)

// percentOf notes the garbage percentage that it runs with.
type percentOf struct {
	he.Executor
	seen *int
	err  error
}

func (p percentOf) Run(context.Context, []bundle.Sample, func(he.Step)) (*he.Result, error) {
	*p.seen = debug.SetGCPercent(100)
	debug.SetGCPercent(*p.seen)
	return nil, p.err
}

// Planning leaves the process as it was, and running puts back what it changed, also
// after an error.
func TestGarbageIsPutBack(t *testing.T) {
	const mine = 77
	defer debug.SetGCPercent(debug.SetGCPercent(mine))
	now := func() int {
		p := debug.SetGCPercent(mine)
		return p
	}
	b := bundletest.New(1, 4, 20).Dense(6, 7).Square().Dense(3, 7).Observed()
	cubics := lstmtest.Polynomial(lstmtest.Shape{Steps: 1, Inputs: 2, Hidden: 2}, 1, lstmtest.Variant{LinearCell: true})
	for _, backend := range []string{"packed-ckks", "packed-bgv"} {
		if _, err := (Encryption{Backend: backend}).Executor(t.Context(), b, 1); err != nil {
			t.Fatal(err)
		}
		if p := now(); p != mine {
			t.Errorf("planning %s leaves %d %%", backend, p)
		}
	}
	e, err := (Encryption{Backend: "packed-ckks"}).Executor(t.Context(), cubics, 1)
	if err != nil {
		t.Fatal(err)
	}
	if p := now(); p != mine {
		t.Errorf("planning sequences leaves %d %%", p)
	}
	if f, ok := e.(frugal); !ok || f.percent != 20 {
		t.Errorf("sequences run as %T", e)
	}
	for _, fault := range []error{nil, errors.New("fault")} {
		seen := 0
		f := frugal{percentOf{seen: &seen, err: fault}, 5}
		if _, err := f.Run(t.Context(), nil, nil); err != fault || seen != 5 {
			t.Errorf("ran with %d %%: %v", seen, err)
		}
		if p := now(); p != mine {
			t.Errorf("%v leaves %d %%", fault, p)
		}
	}
}
