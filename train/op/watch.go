package op

import (
	G "gorgonia.org/gorgonia"
)

// Watch passes x on and shows it to see at each run; see must not keep or change
// it. It has no gradient: it is for graphs that only evaluate.
func Watch(x *G.Node, see func(x []float32)) (*G.Node, error) {
	return apply(operation{name: "watch", shape: x.Shape().Clone(), run: func(y []float32, v [][]float32) {
		see(v[0])
		copy(y, v[0])
	}}, x)
}
