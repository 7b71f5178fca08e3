package bundle

import (
	"fmt"
	"math"
)

// scaleRounding bounds the relative difference of scales that meet: a few roundings
// of float64.
const scaleRounding = 1.0 / (1 << 50)

// checkScales returns an error that names the first layer whose scale does not
// follow from its inputs', for the operations that have no say in theirs:
//
//	Add      scale(input i) = Weights[i] scale(out)
//	Mul      scale(out) = scale(x) scale(y) 2^Shift
//	Shift    scale(out) = scale(in) 2^Bits
//	Concat   scale(out), channel by channel, is the inputs'
//	Slice    scale(out), channel by channel, is what it takes of the input's
//	MaxPool  scale(out) = scale(in) > 0
//
// Products hold within scaleRounding, the last three exactly. A node without a Scale
// stands for no real, and is not compared: only programs in memory have such nodes.
func (p *Program) checkScales(g *Graph) error {
	for i := range p.Nodes {
		if err := p.scalesMeet(i, g.Inputs[i]); err != nil {
			return fmt.Errorf("bundle: layer %q: %w", p.Nodes[i].Name, err)
		}
	}
	return nil
}

func (p *Program) scalesMeet(i int, in []int) error {
	n := &p.Nodes[i]
	switch n.Op.(type) {
	case *Add, *Mul, *Shift, *Concat, *Slice, *MaxPool:
	default:
		return nil
	}
	for _, t := range append([]int{i + 1}, in...) {
		scale := p.scale(t)
		if len(scale) == 0 {
			return nil
		}
		if err := checkScale(scale, p.tensorShape(t)[0]); err != nil {
			return fmt.Errorf("tensor %q: %w", p.tensorName(t), err)
		}
	}
	first := 0 // of Concat's channels
	for k, t := range in {
		for c := range p.tensorShape(t)[0] {
			x := scaleOf(p.scale(t), c)
			var got, want float64
			rounding := 0.0
			switch op := n.Op.(type) {
			case *Add:
				got, want, rounding = x, float64(op.Weights[k])*scaleOf(n.Scale, c), scaleRounding
			case *Mul:
				got, want, rounding = scaleOf(n.Scale, c), math.Ldexp(x*scaleOf(p.scale(in[1-k]), c), int(op.Shift)), scaleRounding
			case *Shift:
				got, want, rounding = scaleOf(n.Scale, c), math.Ldexp(x, int(op.Bits)), scaleRounding
			case *Concat:
				got, want = scaleOf(n.Scale, first+c), x
			case *Slice:
				if c < op.From || c >= op.To {
					continue
				}
				got, want = scaleOf(n.Scale, c-op.From), x
			case *MaxPool:
				if x < 0 {
					return fmt.Errorf("channel %d of its input %q has the scale %v: want a positive one, as the largest integer must be the largest real", c, p.tensorName(t), x)
				}
				got, want = scaleOf(n.Scale, c), x
			}
			if math.Abs(got-want) <= rounding*math.Abs(want) {
				continue
			}
			if op, ok := n.Op.(*Add); ok {
				return fmt.Errorf("channel %d of its input %q has the scale %v, which its weight %d and its own scale %v do not meet: want %v", c, p.tensorName(t), got, op.Weights[k], scaleOf(n.Scale, c), want)
			}
			return fmt.Errorf("its scale %v does not meet the scale %v of channel %d of its input %q: want %v", got, x, c, p.tensorName(t), want)
		}
		first += p.tensorShape(t)[0]
	}
	return nil
}

// scale is the scale of tensor i, numbered as in Graph.
func (p *Program) scale(t int) []float64 {
	if t == 0 {
		return []float64{float64(p.Input.Quantizer.Scale)}
	}
	return p.Nodes[t-1].Scale
}

// tensorName is the name of tensor i, numbered as in Graph.
func (p *Program) tensorName(t int) string {
	if t == 0 {
		return InputName
	}
	return p.Nodes[t-1].Name
}

// scaleOf is the scale of channel c.
func scaleOf(scale []float64, c int) float64 {
	if len(scale) == 1 {
		return scale[0]
	}
	return scale[c]
}
