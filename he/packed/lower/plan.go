package lower

import (
	"context"
	"fmt"

	"qtool/bundle"
)

// Stage is a lowered segment.
type Stage struct {
	Segment
	// Reads are where its sources come from.
	Reads []Read
	Map   *Map
	Split Split
	// Rounds are of Map's doublings.
	Rounds []int
	// Layout packs the outputs; FoldRounds are of its fold's doublings.
	Layout     *Layout
	FoldRounds []int
	// Entry is the shape at the linear map's input, where sources of more limbs are
	// limited to these; the map is rescaled by Rescale primes, and an activation by
	// one more.
	Entry   Shape
	Rescale int
	// LinearWork is the map's with its doublings, ActivationWork the work of the products,
	// their relinearisation and the fold.
	LinearWork, ActivationWork Work
}

// Read is what a stage reads of one source: what stage Stage made or, where that is
// Input, Cts of the plan's Views from View on. Folded says that it reads the sums of
// the stage's Pool, Last that no later stage reads what that made.
type Read struct {
	Stage, View   int
	Cts, Elements int
	Folded, Last  bool
}

// After is the shape behind the linear map, before the activation.
func (s *Stage) After() Shape {
	return Shape{s.Entry.Limbs - s.Rescale, s.Entry.Special, s.Entry.Workers}
}

// Exit is the limbs behind the activation.
func (s *Stage) Exit() int {
	if s.Multiplies() {
		return s.After().Limbs - 1
	}
	return s.After().Limbs
}

// Multiplies reports whether the stage's activation multiplies.
func (s *Stage) Multiplies() bool { return s.multiplies() }

// Options guide a lowering.
type Options struct {
	Slots   int
	Special int
	// Base is the limbs of the outputs. Every activation takes one prime, and every
	// map but a last one with nothing behind it.
	Base    int
	Workers int
	Costs   Costs
	// Client is the nanoseconds that one input ciphertext costs its sender; it
	// counts as much as the server's.
	Client float64
	// Cache keeps maps between lowerings of the same segments into the same
	// slots.
	Cache Cache
}

// Cache holds maps by segment, layouts and the doublings of what the client packs.
type Cache map[cacheKey]*Map

type cacheKey struct {
	segment, doublings int
	from, to           string
}

// Plan is a lowered program.
type Plan struct {
	Stages []Stage
	Inputs int // elements of the program's input
	Limbs  int // of fresh ciphertexts
	// Views are the ciphertexts that the client sends; see Map.
	Views [][]int32
	// Nanoseconds are one worker's, of the server and the client, as the costs have them.
	Nanoseconds float64
}

// New lowers p with the layouts of least predicted time. It returns an error
// that names the layer where an operation can't be packed, and ctx's once that is
// done.
func New(ctx context.Context, segments []Segment, p *bundle.Program, o Options) (*Plan, error) {
	if o.Cache == nil {
		o.Cache = Cache{}
	}
	s := &search{o: &o, segments: segments, last: lastReaders(segments)}
	fresh := 0
	s.entry, fresh = limbs(segments, o.Base)
	if err := s.run(ctx); err != nil {
		return nil, err
	}
	best := s.best()
	plan := assemble(best.stages(len(segments)), s.last, bundle.Size(p.Input.Shape), fresh)
	plan.Nanoseconds = best.cost
	return plan, nil
}

// assemble connects stages, whose segments are read last by other ones. limbs are the
// limbs of fresh ciphertexts.
func assemble(stages []*Stage, last []int, inputs, limbs int) *Plan {
	plan := &Plan{Inputs: inputs, Limbs: limbs}
	for i, chosen := range stages {
		st := *chosen
		st.rest, st.matrices = nil, nil // Map has the one that it takes
		for k, source := range st.Sources {
			r := Read{Stage: source, Cts: st.Map.parts[k].cts, Elements: st.Map.parts[k].width}
			if source == Input {
				r.View = len(plan.Views)
				plan.Views = append(plan.Views, st.Map.Views...)
			} else {
				r.Folded = plan.Stages[source].Layout.Fold != nil
				r.Last = last[source] == i
			}
			st.Reads = append(st.Reads, r)
		}
		plan.Stages = append(plan.Stages, st)
	}
	return plan
}

// Outputs is the places of the program's outputs.
func (p *Plan) Outputs() *Places { return p.Stages[len(p.Stages)-1].Layout.Read() }

// Chain reports whether stage i reads what the one before it made, and no other.
func (p *Plan) Chain(i int) bool {
	r := p.Stages[i].Reads
	return len(r) == 1 && r[0].Stage == i-1
}

// stages are the ways to evaluate segment i from the layouts of its sources to another
// with at most limit products.
func (o *Options) stages(ctx context.Context, segments []Segment, i int, from []held, to *Layout, shape Shape, limit int) ([]*Stage, error) {
	in, err := reads(ctx, segments, i, from)
	if in == nil || err != nil {
		return nil, err
	}
	var all []*Stage
	for d := 0; d == 0 || in.viewed && to.Period<<d <= o.Slots; d++ {
		key := cacheKey{i, d, in.names, to.Name}
		l := o.Cache[key]
		if l == nil {
			if l = newMap(in.matrix, in.sources, &to.Places, d, limit); l == nil {
				continue
			}
			o.Cache[key] = l
		}
		st, err := o.stage(&segments[i], l, to, shape, rescales(segments, i), nil)
		if err != nil {
			return nil, err
		}
		all = append(all, st)
	}
	return all, nil
}

// reading is what a segment reads: its map, the sources as they are packed, and whether
// the client packs one of them.
type reading struct {
	matrix  *Matrix
	sources []source
	names   string // of the layouts
	viewed  bool
}

// reads is what segment i reads of sources in layouts; nil where that would be too large
// a map.
func reads(ctx context.Context, segments []Segment, i int, from []held) (*reading, error) {
	seg := &segments[i]
	folded := make([]bool, len(from))
	r := &reading{sources: make([]source, len(from))}
	for k, h := range from {
		if h.layout == nil {
			r.viewed = true
			continue
		}
		folded[k] = h.layout.Fold != nil
		r.sources[k].places = h.layout.Read()
		r.names += h.layout.Name + "|"
	}
	var err error
	if r.matrix, err = seg.matrix(ctx, segments, folded); r.matrix == nil || err != nil {
		return nil, err
	}
	for k := range from {
		r.sources[k].width = seg.elements(segments, k, folded[k])
	}
	return r, nil
}

// stage is segment seg by a map: as it was chosen or, where that is nil, in the way of
// least predicted time.
func (o *Options) stage(seg *Segment, m *Map, to *Layout, shape Shape, rescale int, chosen *Choice) (*Stage, error) {
	st := &Stage{Segment: *seg, Map: m, Layout: to, Entry: shape, Rescale: rescale}
	if chosen == nil {
		st.Split, st.LinearWork = m.best(shape, rescale, o.Costs)
	} else {
		if g := chosen.Giant; g < 1 || g&(g-1) != 0 || g > 2*o.Slots {
			return nil, fmt.Errorf("giant steps of %d, want a power of two up to %d", g, 2*o.Slots)
		}
		st.Split = m.split(chosen.Giant)
		st.LinearWork = m.work(&st.Split, shape, rescale)
	}
	rounds := func(at Shape, doublings int, list func(*Choice) []int) ([]int, Work, error) {
		if chosen == nil {
			r, w := at.Doublings(doublings, o.Costs)
			return r, w, nil
		}
		r := list(chosen)
		return r, at.rounds(r), checkRounds(r, doublings)
	}
	after := st.After()
	turns, w, err := rounds(after, m.Doublings, func(c *Choice) []int { return c.Rounds })
	if err != nil {
		return nil, err
	}
	st.Rounds = turns
	st.LinearWork = st.LinearWork.Plus(w.Times(to.Cts))
	read := to.Read()
	switch {
	case seg.Product:
		st.ActivationWork = after.Product().Times(to.Cts / 2).Plus(after.Relinearise().Times(read.Cts))
	case seg.multiplies():
		st.ActivationWork = after.Square().Times(to.Cts).Plus(after.Relinearise().Times(read.Cts))
	}
	after.Limbs = st.Exit()
	folds := 0
	if to.Fold != nil {
		folds = to.Fold.Doublings
	}
	if st.FoldRounds, w, err = rounds(after, folds, func(c *Choice) []int { return c.FoldRounds }); err != nil {
		return nil, err
	}
	st.ActivationWork = st.ActivationWork.Plus(w.Times(read.Cts))
	return st, nil
}
