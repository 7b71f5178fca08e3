package cheapest

import (
	"context"
	"errors"
	"testing"
)

type candidate struct {
	cost, bits   float64
	insecure, no bool
}

var errInsecure, errExcluded = errors.New("insecure"), errors.New("excluded")

func (c candidate) Cost() float64       { return c.cost }
func (c candidate) LogModulus() float64 { return c.bits }
func (c candidate) Secure() error {
	if c.insecure {
		return errInsecure
	}
	return nil
}

func realise(c candidate, _ bool) (*float64, error) {
	if c.no {
		return nil, errors.New("no primes")
	}
	return &c.cost, nil
}

func TestChoose(t *testing.T) {
	excluded := func(context.Context) error { return errExcluded }
	cheap, dear := candidate{cost: 1}, candidate{cost: 3}
	none, insecure := candidate{cost: 0, no: true}, candidate{cost: 2, insecure: true}
	for name, c := range map[string]struct {
		all  []candidate
		o    Options
		want float64 // 0: nothing
		err  error
	}{
		"the cheapest":           {all: []candidate{dear, cheap}, want: 1},
		"the one that exists":    {all: []candidate{dear, none}, want: 3},
		"the secure one":         {all: []candidate{insecure, dear}, o: Options{Forced: true, AllowInsecure: true}, want: 3},
		"nothing":                {all: []candidate{none}},
		"none":                   {o: Options{Forced: true, AllowInsecure: true}},
		"an insecure one":        {all: []candidate{insecure, none}, o: Options{Forced: true, AllowInsecure: true}, want: 2},
		"not forced":             {all: []candidate{insecure}, o: Options{AllowInsecure: true}},
		"not allowed":            {all: []candidate{insecure}, o: Options{Forced: true}, err: errInsecure},
		"the shortest is secure": {all: []candidate{{bits: 9, insecure: true, no: true}, {bits: 8, no: true}}, o: Options{Forced: true, AllowInsecure: true}},
		"excluded":               {all: []candidate{insecure}, o: Options{Forced: true, AllowInsecure: true, Excluded: excluded}, err: errExcluded},
		"excluded is not asked":  {all: []candidate{cheap}, o: Options{Excluded: excluded}, want: 1},
	} {
		l, at, err := Choose(t.Context(), c.all, c.o, realise)
		got := 0.0
		if l != nil {
			if got = *l; c.all[at].cost != got {
				t.Errorf("%s: index %d of %v", name, at, c.all)
			}
		}
		if got != c.want || !errors.Is(err, c.err) || err != nil && l != nil {
			t.Errorf("%s: %v, %v; want %v, %v", name, got, err, c.want, c.err)
		}
	}
	done, stop := context.WithCancel(t.Context())
	stop()
	if l, _, err := Choose(done, []candidate{cheap}, Options{}, realise); l != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v, %v", l, err)
	}
}
