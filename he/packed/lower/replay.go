package lower

import (
	"context"
	"fmt"

	"qtool/bundle"
)

// Replay lowers p as it was chosen: nothing is searched for, and o's costs are not looked
// at. It returns an error for choices that are not possible for the segments, and ctx's
// once that is done.
func Replay(ctx context.Context, segments []Segment, p *bundle.Program, o Options, choices []Choice) (*Plan, error) {
	if len(choices) != len(segments) {
		return nil, fmt.Errorf("packed: choices for %d stages, the program has %d", len(choices), len(segments))
	}
	entry, fresh := limbs(segments, o.Base)
	made := make([]held, len(segments))
	stages := make([]*Stage, len(segments))
	for i := range segments {
		seg, c := &segments[i], &choices[i]
		refuse := func(err error) error { return fmt.Errorf("packed: layer %q: %w", seg.Name, err) }
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		to, err := c.layout(seg, o.Slots)
		if err != nil {
			return nil, refuse(err)
		}
		made[i] = held{segment: i, layout: to}
		from := make([]held, len(seg.Sources))
		for k, source := range seg.Sources {
			if source != Input {
				from[k] = made[source]
			}
		}
		in, err := reads(ctx, segments, i, from)
		if err != nil {
			return nil, err
		}
		if in == nil {
			return nil, refuse(errFused)
		}
		if c.Blocks < 0 || c.Blocks > 0 && (!in.viewed || c.Blocks > 32 || to.Period<<c.Blocks > o.Slots) {
			return nil, refuse(fmt.Errorf("%d doublings of what the client packs in %d slots", c.Blocks, o.Slots))
		}
		m := newMap(in.matrix, in.sources, &to.Places, c.Blocks, maxTerms)
		if m == nil {
			return nil, refuse(fmt.Errorf("the layout needs more than %d products, or more memory than is given to them", maxTerms))
		}
		if stages[i], err = o.stage(seg, m, to, Shape{entry[i], o.Special, o.Workers}, rescales(segments, i), c); err != nil {
			return nil, refuse(err)
		}
	}
	return assemble(stages, lastReaders(segments), bundle.Size(p.Input.Shape), fresh), nil
}
