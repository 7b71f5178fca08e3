package sequence

import (
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/model/sequence"
)

// Observe runs the program on encoded sentences and sets what every tensor has
// Seen, inside its loop too.
func Observe(p *bundle.Program, s *datasets.Split) error {
	if s.Len() == 0 {
		return fmt.Errorf("export: no sentence to observe")
	}
	r, err := bundle.NewRunner(p)
	if err != nil {
		return err
	}
	seen := map[*bundle.Node]bool{}
	see := func(n *bundle.Node, v bundle.Vec) {
		now := bundle.RangeOf(v)
		if seen[n] {
			now = now.Union(n.Seen)
		}
		n.Seen, seen[n] = now, true
	}
	for i := range s.Len() {
		_, err := r.RunRecurrent(p.Input.Quantize(s.Image(i)),
			func(k int, v bundle.Vec) { see(&p.Nodes[k], v) },
			func(k, _, body int, v bundle.Vec) { see(&p.Nodes[k].Op.(*bundle.Recurrent).Body[body].Node, v) })
		if err != nil {
			return fmt.Errorf("export: sentence %d: %w", i, err)
		}
	}
	return nil
}

// CopySeen sets what p has Seen to what from has, for programs of the same shape.
func CopySeen(p, from *bundle.Program) {
	for i := range min(len(p.Nodes), len(from.Nodes)) {
		p.Nodes[i].Seen = from.Nodes[i].Seen
		a, ok := p.Nodes[i].Op.(*bundle.Recurrent)
		b, also := from.Nodes[i].Op.(*bundle.Recurrent)
		for k := 0; ok && also && k < min(len(a.Body), len(b.Body)); k++ {
			a.Body[k].Seen = b.Body[k].Seen
		}
	}
}

// Drift counts the sentences whose logit in the fake-quantized network, of reals,
// is not the program's integer.
func Drift(q *sequence.Quantized, p *bundle.Program, s *datasets.Split, logits []float32) (int, error) {
	r, err := bundle.NewRunner(p)
	if err != nil {
		return 0, err
	}
	differ := 0
	for i := range s.Len() {
		v, err := r.Run(p.Input.Quantize(s.Image(i)), nil)
		if err != nil {
			return 0, fmt.Errorf("export: sentence %d: %w", i, err)
		}
		if v.Float(1) != math.RoundToEven(float64(logits[i])/q.LogitScale()) {
			differ++
		}
	}
	return differ, nil
}
