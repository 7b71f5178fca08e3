package emit

import (
	"slices"
	"testing"

	"github.com/mmcloughlin/avo/ir"
)

// The instructions of two streams keep their order, and lie evenly among each other.
func TestInterleave(t *testing.T) {
	fn := &ir.Function{}
	add := func(names ...string) {
		for _, n := range names {
			fn.AddInstruction(&ir.Instruction{Opcode: n})
		}
	}
	add("before")
	fn.AddComment(startMark)
	add("a0", "a1")
	fn.AddComment(middleMark)
	add("b0", "b1", "b2", "b3")
	fn.AddComment(endMark)
	fn.AddComment("a comment")
	add("behind")
	if err := interleave(fn); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range fn.Instructions() {
		got = append(got, i.Opcode)
	}
	if want := []string{"before", "a0", "b0", "b1", "a1", "b2", "b3", "behind"}; !slices.Equal(got, want) {
		t.Errorf("want %v, got %v", want, got)
	}
	if n := len(fn.Nodes); n != 9 {
		t.Errorf("%d nodes, want 9: the marks go, other comments stay", n)
	}
}

func TestInterleaveRefusesLabels(t *testing.T) {
	fn := &ir.Function{}
	fn.AddComment(startMark)
	fn.AddLabel("loop")
	if err := interleave(fn); err == nil {
		t.Error("a label between interleaved instructions is accepted")
	}
}
