package emit

import (
	"fmt"

	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/ir"
)

// The marks are comments that enclose two streams of instructions, and go again.
const startMark, middleMark, endMark = "interleave", "with", "until here"

// Interleave writes what two functions write, the instructions of one evenly among
// those of the other: processors look but so far ahead for instructions that need
// not wait. Neither may read what the other writes, jump, or set flags that are read.
func Interleave(a, b func()) {
	build.Comment(startMark)
	a()
	build.Comment(middleMark)
	b()
	build.Comment(endMark)
}

// interleave is the pass that does what the marks ask for.
func interleave(fn *ir.Function) error {
	var out, a, b []ir.Node
	to := &out
	for _, n := range fn.Nodes {
		mark := ""
		if c, ok := n.(*ir.Comment); ok && len(c.Lines) == 1 {
			mark = c.Lines[0]
		}
		switch mark {
		case startMark:
			to = &a
		case middleMark:
			to = &b
		case endMark:
			for i, j := 0, 0; i < len(a) || j < len(b); {
				if j == len(b) || i < len(a) && i*len(b) <= j*len(a) {
					out, i = append(out, a[i]), i+1
				} else {
					out, j = append(out, b[j]), j+1
				}
			}
			to, a, b = &out, nil, nil
		default:
			if _, ok := n.(ir.Label); ok && to != &out {
				return fmt.Errorf("label %v between interleaved instructions", n)
			}
			*to = append(*to, n)
		}
	}
	fn.Nodes = out
	return nil
}
