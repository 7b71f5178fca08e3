package bench

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestCompare(t *testing.T) {
	figure := func(task Task, median float64) Figure {
		return Figure{Task: task, Active: newSample([]float64{median}, nil, "")}
	}
	rate, time := Task{Kind: Kernel, Name: "rate", Unit: "GB/s", Rate: true}, Task{Kind: Image, Recipe: "r", Name: "time", Unit: "ms"}
	other, unit := time, time
	other.Recipe, unit.Unit = "other", "s"
	with := &Result{Machine: &Machine{Kernels: "avx2"}, Figures: []Figure{figure(rate, 10), figure(time, 8), figure(unit, 1)}}
	for _, c := range []struct {
		rate, time float64
		ratios     []float64
		slow       []string
	}{
		{10, 8, []float64{1, 1}, []string{}},
		{20, 16, []float64{2, 0.5}, []string{"r: time"}},
		{6.7, 11.9, []float64{0.67, 8 / 11.9}, []string{}},
		{6.6, 12.1, []float64{0.66, 8 / 12.1}, []string{"rate", "r: time"}},
	} {
		skipped := Figure{Task: unit, Skipped: "no"}
		r := &Result{Figures: []Figure{figure(rate, c.rate), figure(time, c.time), figure(other, 1), skipped}}
		r.Compare(with)
		for i, want := range c.ratios {
			if got := r.Figures[i].Committed; got == nil || math.Abs(got.Ratio-want) > 1e-12 || got.Median != with.Figures[i].Active.Median {
				t.Errorf("figure %d: %+v, want the ratio %v", i, got, want)
			}
		}
		if r.Figures[2].Committed != nil || r.Figures[3].Committed != nil {
			t.Error("figures that one of the two does not have are compared")
		}
		if got := r.Comparison; got.Compared != 2 || got.Class != "avx2" || !slices.Equal(got.Slow, c.slow) {
			t.Errorf("%+v, want %v slow", got, c.slow)
		}
		b, err := json.Marshal(r)
		if err != nil || !strings.Contains(string(b), `"committed":{"median":10,"ratio":`) || !strings.Contains(string(b), `"tolerance":1.5`) {
			t.Errorf("%s, %v", b, err)
		}
	}
}
