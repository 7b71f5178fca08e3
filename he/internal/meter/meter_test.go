package meter

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"qtool/he"
)

func TestMeterCountsMilliseconds(t *testing.T) {
	var got []he.Step
	m := New(func(s he.Step) { got = append(got, s) }, 3.2e6)
	m.Phase("encrypt")
	Report(m.Add, 0.4e6)
	Report(m.Add, 0.7e6)
	m.Phase("evaluate")
	Report(m.Add, 2.1e6)
	Report(m.Add, 5e6) // more than was predicted stays at the end
	Report(nil, 1)
	want := []he.Step{
		{Phase: "encrypt", Done: 0, Total: 4}, {Phase: "encrypt", Done: 1, Total: 4},
		{Phase: "evaluate", Done: 1, Total: 4}, {Phase: "evaluate", Done: 4, Total: 4},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("steps (-want +got):\n%s", d)
	}
}

func TestMeterWithoutWork(t *testing.T) {
	m := New(nil, 0)
	m.Phase("keygen")
	m.Add(1)
}
