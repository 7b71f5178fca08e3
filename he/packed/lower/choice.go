package lower

import (
	"fmt"
	"slices"

	"qtool/bundle"
)

// Choice is what was chosen for one stage; the rest of it follows from the program.
type Choice struct {
	// Grid are the channels, height and width that the tensor which is read is placed as,
	// at Strides; Fold is how its sum of classes is taken: one of the names below, or
	// empty where it is not.
	Grid    [3]int `json:"grid"`
	Strides [3]int `json:"strides"`
	Fold    string `json:"fold,omitempty"`
	// Blocks are the doublings of what the client packs for the stage.
	Blocks int `json:"blocks,omitempty"`
	// Giant is the split's, Rounds and FoldRounds are the stage's.
	Giant      int   `json:"giant"`
	Rounds     []int `json:"rounds,omitempty"`
	FoldRounds []int `json:"fold_rounds,omitempty"`
}

// The ways to take a sum of classes.
const (
	apart    = "apart"
	inBlocks = "blocks"
)

// Choices are what was chosen for every stage.
func (p *Plan) Choices() []Choice {
	all := make([]Choice, len(p.Stages))
	for i := range p.Stages {
		st := &p.Stages[i]
		l := st.Layout
		c := Choice{
			Grid: l.Grid, Strides: [3]int{l.Strides.Channel, l.Strides.Row, l.Strides.Col},
			Blocks: st.Map.blocks, Giant: st.Split.Giant, Rounds: st.Rounds, FoldRounds: st.FoldRounds,
		}
		switch {
		case l.Fold == nil:
		case l.Fold.Step == 0:
			c.Fold = apart
		default:
			c.Fold = inBlocks
		}
		all[i] = c
	}
	return all
}

// layout is the layout that a choice names for a segment, in ciphertexts of the slots.
func (c *Choice) layout(seg *Segment, slots int) (*Layout, error) {
	shape := seg.Shape
	if c.Fold != "" {
		if seg.Pool == nil {
			return nil, fmt.Errorf("there is no sum of classes to take %q", c.Fold)
		}
		shape = seg.Pool.Shape
	}
	s := Strides{c.Strides[0], c.Strides[1], c.Strides[2]}
	n := bundle.Size(shape)
	switch row := [3]int{1, 1, n}; {
	case c.Grid == row && s == Strides{n, n, 1}:
	case len(shape) == 3 && slices.Equal(c.Grid[:], shape) && min(s.Channel, s.Row, s.Col) > 0 && max(s.Channel, s.Row, s.Col) <= slots && s.fit(c.Grid, slots):
	default:
		return nil, fmt.Errorf("a grid of %v at strides %v cannot hold a tensor of shape %v in %d slots", c.Grid, c.Strides, shape, slots)
	}
	g := newGrid(c.Grid[0], c.Grid[1], c.Grid[2], s, slots)
	l := g.layout()
	switch {
	case c.Fold == "":
	case c.Fold == apart:
		l = foldCts(g, seg.Pool)
	case c.Fold == inBlocks && g.inBlocks(seg.Pool, slots):
		l = foldBlocks(g, seg.Pool)
	default:
		return nil, fmt.Errorf("a sum of classes of %d cannot be taken %q", seg.Pool.Size, c.Fold)
	}
	if seg.Product {
		l = l.factors()
	}
	return &l, nil
}

// checkRounds refuses rounds that are not of so many doublings, up to four a round.
func checkRounds(rounds []int, doublings int) error {
	sum := 0
	for _, a := range rounds {
		if a < 1 || a > maxRound {
			return fmt.Errorf("a round of %d doublings, want 1..%d", a, maxRound)
		}
		sum += a
	}
	if sum != doublings {
		return fmt.Errorf("rounds %v of %d doublings, want %d", rounds, sum, doublings)
	}
	return nil
}
