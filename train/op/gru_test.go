package op

import (
	"fmt"
	"math"
	"testing"

	G "gorgonia.org/gorgonia"
)

func gruInputs(c lstmCase) []array {
	r := newRand()
	return []array{small(r, c.in, c.steps*c.batch), small(r, 3*c.hidden, c.in), small(r, 3*c.hidden, c.hidden), small(r, 3*c.hidden)}
}

func buildGRU(c lstmCase, first []int) builder {
	return func(v []*G.Node) (*G.Node, error) {
		l := GRU{Steps: c.steps, Cell: FloatGRU{}}
		if first != nil {
			l.First = func() []int { return first }
		}
		return l.Apply(v[0], v[1], v[2], v[3], true)
	}
}

// naiveGRU is the definition, one sample at a time.
func naiveGRU(c lstmCase, in []array, first []int) []float64 {
	out := make([]float64, c.hidden*c.batch)
	x, w, u, b := in[0].Data, in[1].Data, in[2].Data, in[3].Data
	for n := range c.batch {
		h := make([]float64, c.hidden)
		for t := range c.steps {
			if first != nil && t < first[n] {
				continue
			}
			sum := func(k, j int, state []float64) float64 {
				row := k*c.hidden + j
				z := float64(b[row])
				for d := range c.in {
					z += float64(w[row*c.in+d]) * float64(x[d*c.steps*c.batch+t*c.batch+n])
				}
				for i, s := range state {
					z += float64(u[row*c.hidden+i]) * s
				}
				return z
			}
			next, reset := make([]float64, c.hidden), make([]float64, c.hidden)
			for j := range h {
				reset[j] = h[j] / (1 + math.Exp(-sum(1, j, h)))
			}
			for j := range h {
				z := 1 / (1 + math.Exp(-sum(0, j, h)))
				next[j] = z*h[j] + (1-z)*math.Tanh(sum(2, j, reset))
			}
			h = next
		}
		for j := range h {
			out[j*c.batch+n] = h[j]
		}
	}
	return out
}

func TestGRU(t *testing.T) {
	for _, c := range lstmCases {
		for _, first := range [][]int{nil, starts(c)} {
			t.Run(fmt.Sprint(c, first), func(t *testing.T) {
				in := gruInputs(c)
				h := newHarness(t, buildGRU(c, first), in, 0, 1, 2, 3)
				wantNear(t, "state", h.output(), naiveGRU(c, in, first), 1e-6)
				h.check(1.0/64, 2e-3)
			})
		}
	}
}

func TestGRUShapes(t *testing.T) {
	c := lstmCase{2, 3, 2, 2}
	for i := range 4 {
		in := gruInputs(c)
		in[i] = sixteenths(newRand(), 5)
		g := G.NewGraph()
		var nodes G.Nodes
		for k, a := range in {
			nodes = append(nodes, G.NewTensor(g, G.Float32, len(a.Shape), G.WithShape(a.Shape...), G.WithName(fmt.Sprint(k))))
		}
		if _, err := (GRU{Steps: 2, Cell: FloatGRU{}}).Apply(nodes[0], nodes[1], nodes[2], nodes[3], true); err == nil {
			t.Errorf("input %d of shape %v was taken", i, in[i].Shape)
		}
	}
}
