package choose

import (
	"testing"

	"qtool/bundle"
	"qtool/bundle/bundletest"
	"qtool/bundle/lstmtest"
)

// planned is a small program for one back end.
type planned struct {
	name    string
	backend string
	program *bundle.Program
	options Options
}

// programs are small ones for every back end, at full security, and networks as the
// recipes have them.
func programs(t *testing.T) []planned {
	t.Helper()
	small := bundletest.New(21, 4, 1, 10, 10).Conv(2, 3, 1, 0, 7).Square().Pool(2, 2).Conv(3, 3, 1, 0, 7).Square().Dense(4, 7).Observed()
	dense := bundletest.New(22, 4, 30).Dense(9, 7).Square().Dense(5, 7).Observed()
	lenet := bundletest.LeNet(1).Observed()
	tables := bundletest.New(23, 2, 20).Narrow(15).Dense(6, 3).RandomTable(2).Narrow(12).Dense(4, 3).Done()
	shape := lstmtest.Shape{Steps: 2, Inputs: 3, Hidden: 4}
	all := []planned{
		{"small", "bgv", small, Options{}},
		{"small for 100", "bgv", small, Options{Samples: 100}},
		{"lenet", "bgv", lenet, Options{Samples: 10000}},
		{"tables", "bgv", tables, Options{}},
		{"tables", "pbs", tables, Options{}},
		{"tables for 1", "auto", tables, Options{Samples: 1}},
		{"tables for 100000", "auto", tables, Options{Samples: 100000}},
		{"small", "packed-ckks", small, Options{}},
		{"dense", "packed-ckks", dense, Options{Bits: 12}},
		{"lenet", "packed-ckks", lenet, Options{}},
		{"small", "packed-bgv", small, Options{}},
		{"recurrent", "packed-ckks", lstmtest.Polynomial(shape, 1, lstmtest.Variant{LinearCell: true}), Options{}},
		{"recurrent", "auto", lstmtest.Table(shape, 20, 1), Options{}},
	}
	for i := range all {
		all[i].options.Backend = all[i].backend
	}
	return all
}
