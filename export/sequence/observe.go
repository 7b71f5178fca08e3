package sequence

import (
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/export"
	"qtool/model/sequence"
	train "qtool/train/sequence"
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
		_, err := r.RunRecurrent(p.Input.Sample(s.Tensor(i)).Vec(),
			func(k int, v bundle.Vec) { see(&p.Nodes[k], v) },
			func(k, _, body int, v bundle.Vec) { see(&p.Nodes[k].Op.(*bundle.Recurrent).Body[body], v) })
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

// Drift counts, for every node of q's program p, the elements that the
// fake-quantized network has otherwise, over all encoded sentences; a is what that
// network answered. For the families that it carries in integers.
func Drift(q *sequence.Quantized, p *bundle.Program, s *datasets.Split, a *train.Answers) ([]export.Drift, error) {
	r, err := bundle.NewRunner(p)
	if err != nil {
		return nil, err
	}
	offset := 0.0
	if q.Network.Cell == sequence.Mean {
		offset = float64(zero(q)) // the state is the input, in bytes
	}
	drifts := make([]export.Drift, len(p.Nodes))
	for k, sum := range p.PartialSums() {
		drifts[k].Exact = sum <= 1<<24
	}
	for i := range s.Len() {
		_, err := r.Run(p.Input.Sample(s.Tensor(i)).Vec(), func(k int, v bundle.Vec) {
			for j := range v.Len() {
				want := math.RoundToEven(float64(a.Logits[i]) / q.LogitScale())
				switch {
				case k < len(p.Nodes)-1:
					want = float64(a.States[i][j]) + offset
				case j == 0:
					want = -want
				}
				if v.Float(j) != want {
					drifts[k].Differ++
				}
			}
		})
		if err != nil {
			return nil, fmt.Errorf("export: sentence %d: %w", i, err)
		}
	}
	return drifts, nil
}
