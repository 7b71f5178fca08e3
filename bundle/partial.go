package bundle

import "math"

// PartialSums is, for every node, a bound on the magnitude of everything that is
// added up on the way to its tensor, in whatever order: of this node and of all
// before it. Linear operations add weights times inputs and a bias,
//
//	max_o sum_k |w_ok| * max|in| + max|bias|
//
// polynomials the terms |c_k| |x|^k. Where the bound is at most 2^24, float32
// arithmetic on the integers is exact. The ranges must be proved.
func (p *Program) PartialSums() []float64 {
	sums := make([]float64, len(p.Nodes))
	in := p.Input.Bounds().Range().Magnitude()
	most := in
	for i := range p.Nodes {
		n := &p.Nodes[i]
		switch op := n.Op.(type) {
		case Linear:
			rows := op.Rows(p.InShape(i))
			bias := 0.0
			for o := range rows.Outputs() {
				bias = max(bias, math.Abs(rows.Bias.Float(o)))
			}
			most = max(most, float64(rows.MaxL1())*in+bias)
		case *Polynomial:
			for _, row := range op.Coeffs {
				sum := 0.0
				for k := row.Len() - 1; k >= 0; k-- {
					sum = sum*in + math.Abs(row.Float(k))
				}
				most = max(most, sum)
			}
		}
		in = n.Range.Magnitude()
		most = max(most, in)
		sums[i] = most
	}
	return sums
}
