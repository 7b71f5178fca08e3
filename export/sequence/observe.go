package sequence

import (
	"fmt"

	"qtool/bundle"
	"qtool/datasets"
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
