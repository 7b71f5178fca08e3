package bundle

import (
	"math"
	"strings"
	"testing"

	"qtool/quant"
)

func TestRoundShift(t *testing.T) {
	for s := range uint8(5) {
		for q := int64(-70); q <= 70; q++ {
			if got, want := RoundShift(q, s), int64(math.RoundToEven(float64(q)/float64(int(1)<<s))); got != want {
				t.Errorf("RoundShift(%d, %d) = %d, want %d", q, s, got, want)
			}
		}
	}
	if got := RoundShift(math.MinInt64, 32); got != -1<<31 {
		t.Errorf("the smallest integer becomes %d", got)
	}
}

// tableProgram is a dense layer on two 2-bit inputs and a table on its output,
// whose static bound is [-3, 6].
func tableProgram(l *LookupTable) *Program {
	return &Program{
		Input: Input{Shape: []int{2}, Quantizer: quant.Params{Scale: 1, Bits: 2}},
		Nodes: []Node{
			{Name: "fc", Op: &Dense{1, 2, []int32{2, -1}, Vec{Small: []int64{0}}}, Scale: []float64{1}, Bits: 3},
			{Name: "act", Op: l, Scale: []float64{1}},
		},
		Labels: []string{"x"},
	}
}

func TestTableMustCoverProvedRange(t *testing.T) {
	for _, c := range []struct {
		l    LookupTable
		want string // "" where it is accepted
	}{
		{LookupTable{0, []Table{{-3, make([]int32, 10)}}}, ""},
		{LookupTable{0, []Table{{-3, make([]int32, 9)}}}, `layer "act": element 0: its table covers [-3, 5] after a shift by 0, not the static bound [-3, 6]`},
		{LookupTable{0, []Table{{-2, make([]int32, 10)}}}, `covers [-2, 7]`},
		{LookupTable{1, []Table{{-2, make([]int32, 6)}}}, ""}, // -3/2 rounds to -2
		{LookupTable{1, []Table{{-1, make([]int32, 6)}}}, `covers [-1, 4] after a shift by 1`},
		{LookupTable{33, []Table{{-1, make([]int32, 6)}}}, `shift 33 passes the limit of 32`},
		{LookupTable{0, []Table{{-3, nil}}}, `table 0 has 0 entries`},
		{LookupTable{0, []Table{{-1 << 41, make([]int32, 6)}}}, `beyond 2^40`},
		{LookupTable{0, nil}, `0 tables for 1 channels`},
		{LookupTable{0, make([]Table, 2)}, `2 tables for 1 channels`},
	} {
		err := tableProgram(&c.l).Prove()
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: error %v, want %q", c.l, err, c.want)
		}
	}
}

// A table's range is the range of the entries that its inputs reach.
func TestTableRange(t *testing.T) {
	p := tableProgram(&LookupTable{0, []Table{{-5, []int32{99, 99, 4, 1, -7, 1, 2, 3, 0, 0, 0, 5, 99}}}})
	if err := p.Prove(); err != nil {
		t.Fatal(err)
	}
	if r := p.Nodes[1].Range; !r.Equal(NewRange(-7, 5)) {
		t.Errorf("range %v, want [-7, 5]", r)
	}
}

func TestWideElementsHaveNoTable(t *testing.T) {
	p := tableProgram(&LookupTable{0, []Table{{-3, make([]int32, 10)}}})
	p.Nodes[0].Op.(*Dense).Bias = NewInts([]float64{0x1p100})
	if err := p.Prove(); err == nil || !strings.Contains(err.Error(), "not the static bound [12676506") {
		t.Errorf("error %v", err)
	}
}
