package bundle

import "math"

// PartialSums is, for every node, a bound on the magnitude of everything that is
// added up on the way to its tensor, in whatever order: of this node and of all
// before it. Linear operations add weights times inputs and a bias,
//
//	max_o sum_k |w_ok| * max|in| + max|bias|
//
// polynomials the terms |c_k| |x|^k, products with a Shift the squares of sums. Where the bound is at most 2^24, float32
// arithmetic on the integers is exact. The ranges must be proved.
func (p *Program) PartialSums() []float64 {
	sums := make([]float64, len(p.Nodes))
	most := p.Input.Bounds().Range().Magnitude()
	magnitudes := []float64{most}
	g, _ := p.Graph() // ranges are proved, so that names resolve
	for i := range p.Nodes {
		n := &p.Nodes[i]
		in := 0.0
		for _, t := range g.Inputs[i] {
			in = max(in, magnitudes[t])
		}
		magnitudes = append(magnitudes, n.Range.Magnitude())
		most = max(most, partialSum(n.Op, in, p.shapesOf(g.Inputs[i])), magnitudes[i+1])
		sums[i] = most
	}
	return sums
}

// partialSum bounds the magnitude of what op adds up for inputs of at most in, of the given
// shapes.
func partialSum(op Op, in float64, shapes [][]int) float64 {
	most := 0.0
	switch op := op.(type) {
	case Linear:
		rows := op.Rows(shapes...)
		bias := 0.0
		for o := range rows.Outputs() {
			bias = max(bias, math.Abs(rows.Bias.Float(o)))
		}
		most = float64(float64(rows.MaxL1())*in) + bias
	case *Polynomial:
		for _, row := range op.Coeffs {
			sum := 0.0
			for k := row.Len() - 1; k >= 0; k-- {
				sum = float64(sum*in) + math.Abs(row.Float(k))
			}
			most = max(most, sum)
		}
	case *Mul:
		if op.Shift > 0 { // the square of a sum
			most = 4 * in * in
		}
	case *Recurrent:
		sizes := []float64{in}
		for i := range op.States {
			sizes = append(sizes, op.States[i].Range.Magnitude())
		}
		w, _ := op.Wire(shapes[0])
		for i := range op.Body {
			n := &op.Body[i]
			widest := 0.0
			for _, k := range w.Inputs[i] {
				widest = max(widest, sizes[k])
			}
			sizes = append(sizes, n.Range.Magnitude())
			most = max(most, sizes[len(sizes)-1], partialSum(n.Op, widest, [][]int{{w.InSize(i)}}))
		}
	}
	return most
}
