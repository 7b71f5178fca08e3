package bundletest

import (
	"flag"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// Check runs a property on n draws, or on as many as the command line asks for with
// -rapid.checks.
func Check(t *testing.T, n int, property func(*rapid.T)) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if before := f.Value.String(); before == f.DefValue {
		if err := f.Value.Set(strconv.Itoa(n)); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = f.Value.Set(before) }()
	}
	rapid.Check(t, property)
}
