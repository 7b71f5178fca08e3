package parts

import "qtool/bundle"

// Value is a tensor of a program as parts of buffers. It is sole if one node reads it,
// and no node another tensor with any of the parts. Depth is what lies before it: products
// (he/bgv) or rounds of tables (he/bgvlut) on a way from the input, at most.
type Value struct {
	Parts List
	Depth int
	Sole  bool
}

// Concat is the concatenation of values.
func Concat(in ...Value) Value {
	out := Value{Sole: true}
	var all []List
	for _, v := range in {
		out.Depth, out.Sole = max(out.Depth, v.Depth), out.Sole && v.Sole
		all = append(all, v.Parts)
	}
	out.Parts = Join(all...)
	return out
}

// View is what an operation that only arranges elements makes of the concatenation of
// its inputs, the first of which has a shape; ok is false for any other operation.
func View(op bundle.Op, joined Value, shape []int) (v Value, ok bool) {
	switch op := op.(type) {
	case *bundle.Reshape, *bundle.Concat:
		return joined, true
	case *bundle.Slice:
		row := bundle.Size(shape) / shape[0]
		joined.Parts = joined.Parts.Cut(op.From*row, op.To*row)
		return joined, true
	}
	return Value{}, false
}
