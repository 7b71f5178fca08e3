package lstm

// reals evaluates the cell on a sequence of codes in float64, without any
// rounding: what the server computes, but for its noise.
func (c *cell) reals(codes []int64) []float64 {
	h, state := make([]float64, c.hidden), make([]float64, c.hidden)
	for t := range c.steps {
		x := codes[t*c.inputs : (t+1)*c.inputs]
		var g [4][]float64
		for k := range g {
			gate := &c.gates[k]
			for u := range c.hidden {
				z := gate.b[u]
				for j, w := range gate.x[u] {
					z += w * float64(x[j])
				}
				for j, w := range gate.h[u] {
					z += w * h[j]
				}
				g[k] = append(g[k], horner(gate.poly[u], z))
			}
		}
		next := make([]float64, c.hidden)
		for u := range next {
			state[u] = c.input*g[gateI][u]*g[gateG][u] + c.forget*g[gateF][u]*state[u]
			v := state[u]
			if c.cell != nil {
				v = horner(c.cell[u], v)
			}
			next[u] = c.output * g[gateO][u] * v
		}
		h = next
	}
	logits := append([]float64{}, c.b...)
	for o, row := range c.w {
		for j, w := range row {
			logits[o] += w * h[j]
		}
	}
	return logits
}

func horner(a [4]float64, x float64) float64 { return a[0] + x*(a[1]+x*(a[2]+x*a[3])) }

// withoutRounding is the cell as if the reference rounded nothing.
func (c *cell) withoutRounding() *cell {
	twin := *c
	twin.roundC, twin.roundU, twin.roundH = 0, 0, 0
	for g := range twin.gates {
		twin.gates[g].roundZ, twin.gates[g].round = 0, 0
	}
	return &twin
}
