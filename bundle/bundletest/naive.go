package bundletest

import (
	"fmt"
	"math/big"

	"qtool/bundle"
)

// Naive evaluates a program by the definitions of its operations, element by element
// on big integers. It knows nothing of Rows, Vec, Graph or Horner's scheme: it is what
// the interpreter of package bundle is held against. It returns every node's tensor.
func Naive(p *bundle.Program, in []*big.Int) [][]*big.Int {
	tensors := map[string]naive{"input": {p.Input.Shape, in}}
	before := "input"
	var all [][]*big.Int
	for i := range p.Nodes {
		n := &p.Nodes[i]
		names := n.Inputs
		if len(names) == 0 {
			names = []string{before}
		}
		var from []naive
		for _, name := range names {
			from = append(from, tensors[name])
		}
		out := naive{shape: n.Shape, v: evaluate(n, from)}
		tensors[n.Name], before = out, n.Name
		all = append(all, out.v)
	}
	return all
}

// naive is a tensor in row-major order.
type naive struct {
	shape []int
	v     []*big.Int
}

// pixel is an element of a picture, and whether it is inside.
func (t naive) pixel(c, y, x int) (*big.Int, bool) {
	if y < 0 || y >= t.shape[1] || x < 0 || x >= t.shape[2] {
		return new(big.Int), false
	}
	return t.v[(c*t.shape[1]+y)*t.shape[2]+x], true
}

// each makes a picture element by element.
func each(shape []int, f func(c, y, x int) *big.Int) []*big.Int {
	var all []*big.Int
	for c := range shape[0] {
		for y := range shape[1] {
			for x := range shape[2] {
				all = append(all, f(c, y, x))
			}
		}
	}
	return all
}

func times(a int64, b *big.Int) *big.Int { return new(big.Int).Mul(big.NewInt(a), b) }

func evaluate(n *bundle.Node, in []naive) []*big.Int {
	x := in[0]
	switch op := n.Op.(type) {
	case *bundle.Dense:
		return dense(op, x.v)
	case *bundle.Conv2D:
		dilation, groups := op.Dilation, max(1, op.Groups)
		perGroup := op.Channels / groups
		return each(n.Shape, func(o, r, c int) *big.Int {
			sum := op.Bias.At(o)
			group := o / (op.Outputs / groups)
			for ch := range perGroup {
				for i := range op.Kernel[0] {
					for j := range op.Kernel[1] {
						v, _ := x.pixel(group*perGroup+ch, r*op.Stride[0]+i*max(1, dilation[0])-op.Padding[0], c*op.Stride[1]+j*max(1, dilation[1])-op.Padding[1])
						w := op.Weight[((o*perGroup+ch)*op.Kernel[0]+i)*op.Kernel[1]+j]
						sum.Add(sum, times(int64(w), v))
					}
				}
			}
			return sum
		})
	case *bundle.SumPool:
		return each(n.Shape, func(c, y, z int) *big.Int {
			sum := new(big.Int)
			for i := range op.Kernel[0] {
				for j := range op.Kernel[1] {
					v, _ := x.pixel(c, y*op.Stride[0]+i-op.Padding[0], z*op.Stride[1]+j-op.Padding[1])
					sum.Add(sum, v)
				}
			}
			return sum
		})
	case *bundle.MaxPool:
		return each(n.Shape, func(c, y, z int) *big.Int {
			var most *big.Int
			for i := range op.Kernel[0] {
				for j := range op.Kernel[1] {
					v, inside := x.pixel(c, y*op.Stride[0]+i-op.Padding[0], z*op.Stride[1]+j-op.Padding[1])
					if inside && (most == nil || v.Cmp(most) > 0) {
						most = v
					}
				}
			}
			return most
		})
	case *bundle.Polynomial:
		return elementwise(x.v, func(i int, v *big.Int) *big.Int {
			c := op.Coeffs[i*len(op.Coeffs)/len(x.v)]
			sum := new(big.Int)
			for k := range c.Len() {
				power := new(big.Int).Exp(v, big.NewInt(int64(k)), nil)
				sum.Add(sum, power.Mul(power, c.At(k)))
			}
			return sum
		})
	case *bundle.LookupTable:
		return elementwise(x.v, func(i int, v *big.Int) *big.Int {
			t := op.Tables[i*len(op.Tables)/len(x.v)]
			return big.NewInt(int64(t.Values[nearest(v, uint(op.Shift)).Int64()-t.Lo]))
		})
	case *bundle.Shift:
		return elementwise(x.v, func(_ int, v *big.Int) *big.Int { return nearest(v, uint(op.Bits)) })
	case *bundle.Domain, *bundle.Reshape:
		return x.v
	case *bundle.Add:
		parts := split(in, len(op.Weights))
		return elementwise(parts[0], func(i int, _ *big.Int) *big.Int {
			sum := new(big.Int)
			for k, w := range op.Weights {
				sum.Add(sum, times(int64(w), parts[k][i]))
			}
			return sum
		})
	case *bundle.Mul:
		parts := split(in, 2)
		return elementwise(parts[0], func(i int, x *big.Int) *big.Int {
			y := parts[1][i]
			square := func(s *big.Int) *big.Int { return nearest(s.Mul(s, s), uint(op.Shift)+2) }
			a, b := square(new(big.Int).Add(x, y)), square(new(big.Int).Sub(x, y))
			return a.Sub(a, b)
		})
	case *bundle.Concat:
		var all []*big.Int
		for _, t := range in {
			all = append(all, t.v...)
		}
		return all
	case *bundle.Slice:
		row := len(x.v) / x.shape[0]
		return x.v[op.From*row : op.To*row]
	case *bundle.Recurrent:
		return loop(op, x)
	}
	panic(fmt.Sprintf("bundletest: no definition of operation %T", n.Op))
}

func dense(d *bundle.Dense, x []*big.Int) []*big.Int {
	y := make([]*big.Int, d.Units)
	for o := range y {
		y[o] = d.Bias.At(o)
		for i, v := range x {
			y[o].Add(y[o], times(int64(d.Weight[o*d.Inputs+i]), v))
		}
	}
	return y
}

func elementwise(x []*big.Int, f func(i int, v *big.Int) *big.Int) []*big.Int {
	out := make([]*big.Int, len(x))
	for i, v := range x {
		out[i] = f(i, v)
	}
	return out
}

// split is k inputs, or the k equal parts of one.
func split(in []naive, k int) [][]*big.Int {
	var parts [][]*big.Int
	for _, t := range in {
		parts = append(parts, t.v)
	}
	if len(in) == 1 && k > 1 {
		n := len(in[0].v) / k
		parts = nil
		for i := range k {
			parts = append(parts, in[0].v[i*n:(i+1)*n])
		}
	}
	return parts
}

// loop runs a Recurrent by its definition.
func loop(r *bundle.Recurrent, in naive) []*big.Int {
	tensors := map[string][]*big.Int{}
	for _, s := range r.States {
		for range s.Size {
			tensors[s.Name] = append(tensors[s.Name], new(big.Int))
		}
	}
	d := in.shape[1]
	for t := range r.Steps {
		tensors["x"] = in.v[t*d : (t+1)*d]
		for i := range r.Body {
			n := &r.Body[i]
			var x []*big.Int
			for _, name := range n.Inputs {
				x = append(x, tensors[name]...)
			}
			tensors[n.Name] = evaluate(n, []naive{{[]int{len(x)}, x}})
		}
		next := map[string][]*big.Int{}
		for _, s := range r.States {
			next[s.Name] = tensors[s.Next]
		}
		for name, v := range next {
			tensors[name] = v
		}
	}
	return tensors[r.Output]
}

// nearest is x / 2^s to the nearest integer, to the even one of two: the floor of
// x / 2^s + 1/2, less 1 where that is an odd tie.
func nearest(x *big.Int, s uint) *big.Int {
	unit := new(big.Int).Lsh(big.NewInt(1), s)
	twice := new(big.Int).Lsh(x, 1)
	twice.Add(twice, unit)
	q, rest := new(big.Int).DivMod(twice, new(big.Int).Lsh(unit, 1), new(big.Int))
	if rest.Sign() == 0 && q.Bit(0) == 1 {
		q.Sub(q, big.NewInt(1))
	}
	return q
}
