package bundle

import "math/big"

// prove is the static bound of every element that node i makes of the tensors
// before it, by number. It returns an error if a table leaves a part of them out.
//
// Inputs count as independent, but for three things that the wiring says: the
// product of a tensor with itself is a square, a sum adds up the weights of a tensor
// that it reads twice, and b + relu(a-b) is the larger of a and b.
func (p *Program) prove(i int, wires, shapes [][]int, bounds []Bounds, body func(n *Node, shape []int, b Bounds) error) (Bounds, error) {
	n, in := &p.Nodes[i], wires[i]
	joined := gatherBounds(bounds, in)
	if err := coverage(n.Op, joined); err != nil {
		return Bounds{}, err
	}
	switch op := n.Op.(type) {
	case *Recurrent:
		return op.propagate(joined, shapes[in[0]], body)
	case *Mul:
		if in[0] == in[1] {
			return op.squareBounds(bounds[in[0]]), nil
		}
	case *Add:
		if a, b, ok := p.isMax(op, wires, in); ok {
			return maxBounds(bounds[a], bounds[b]), nil
		}
		if sum, rest, ok := op.merged(in); ok {
			return sum.bounds(gatherBounds(bounds, rest), at(shapes, rest)), nil
		}
	}
	return n.Op.bounds(joined, at(shapes, in)), nil
}

// merged is the same sum with every tensor named once, and those tensors. It is not
// ok where that is what the sum is, or where the weights of a tensor leave an int32.
func (a *Add) merged(in []int) (sum *Add, tensors []int, ok bool) {
	var weights []int64
	number := map[int]int{}
	for k, t := range in {
		if _, twice := number[t]; !twice {
			number[t] = len(tensors)
			tensors, weights = append(tensors, t), append(weights, 0)
		}
		weights[number[t]] += int64(a.Weights[k])
	}
	if len(tensors) == len(in) {
		return nil, nil, false
	}
	sum = &Add{}
	for _, w := range weights {
		if w != int64(int32(w)) {
			return nil, nil, false
		}
		sum.Weights = append(sum.Weights, int32(w))
	}
	return sum, tensors, true
}

// isMax recognises a sum of b and relu(a-b), which is what LowerMaxPool makes of a
// maximum: tensors a and b by number.
func (p *Program) isMax(op *Add, wires [][]int, in []int) (a, b int, ok bool) {
	if len(in) != 2 || op.Weights[0] != 1 || op.Weights[1] != 1 {
		return 0, 0, false
	}
	for k := range in {
		b, t := in[k], in[1-k]
		if t == 0 || !isRelu(p.Nodes[t-1].Op) {
			continue
		}
		d := wires[t-1][0]
		if d == 0 {
			continue
		}
		if diff, ok := p.Nodes[d-1].Op.(*Add); ok && len(diff.Weights) == 2 && diff.Weights[0] == 1 && diff.Weights[1] == -1 && wires[d-1][1] == b {
			return wires[d-1][0], b, true
		}
	}
	return 0, 0, false
}

// isRelu reports whether op is a table that makes max(0, q) of every q it covers.
func isRelu(op Op) bool {
	l, ok := op.(*LookupTable)
	if !ok || l.Shift != 0 {
		return false
	}
	for k := range l.Tables {
		t := &l.Tables[k]
		for i, v := range t.Values {
			if int64(v) != max(0, t.Lo+int64(i)) {
				return false
			}
		}
	}
	return true
}

// maxBounds is the exact range of the larger of two independent elements.
func maxBounds(a, b Bounds) Bounds { return Bounds{largerOf(a.Lo, b.Lo), largerOf(a.Hi, b.Hi)} }

// largerOf is the larger of two vectors, element by element.
func largerOf(a, b Vec) Vec {
	larger := make([]*big.Int, a.Len())
	for i, x := range a.wide() {
		larger[i] = x
		if y := b.At(i); y.Cmp(x) > 0 {
			larger[i] = y
		}
	}
	return NewVec(larger)
}
