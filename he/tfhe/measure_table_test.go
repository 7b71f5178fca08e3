package tfhe

import (
	"testing"

	"qtool/he/internal/costmodel"
)

// Tables that are measured take a message space that serves any table: half of it is 2^bits - 1,
// as a constant makes the first value minus the last. They fail as seldom
// as those of keys that stay in use.
func TestMeasuredTables(t *testing.T) {
	for _, bits := range []int{4, 6, 8} {
		p, err := tableProgram(bits, 16)
		if err != nil {
			t.Fatal(err)
		}
		plan, err := NewPlan(t.Context(), p, Options{LogLookupFailure: LivingLogFailure, Workers: 1})
		if err != nil {
			t.Fatal(err)
		}
		for i := range plan.layers {
			if l := &plan.layers[i]; l.tables != nil && l.half < 1<<bits-1 {
				t.Errorf("%d bits: half a message space of %d for layer %q, want %d or more", bits, l.half, l.name, 1<<bits-1)
			}
		}
		l := plan.params.ParametersLiteral
		t.Logf("%d bits: %v; keys of %.0f MB; predicted %.2f ms", bits, plan.params, float64(l.RotationBytes()+l.SwitchingBytes())/1e6, l.nanoseconds(costmodel.Reference)/1e6)
		measure, err := plan.MeasureLookups(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			each, err := measure(t.Context())
			if err != nil || each <= 0 {
				t.Fatalf("%d bits: %v a look-up: %v", bits, each, err)
			}
			t.Logf("%d bits: %v a look-up", bits, each)
		}
	}
	for _, bits := range []int{0, 9} {
		if _, err := MeasureTable(t.Context(), bits); err == nil {
			t.Errorf("%d bits are measured", bits)
		}
	}
}
