package lower

import (
	"context"
	"fmt"
	"math"

	"qtool/bundle"
)

// Stage is a lowered segment.
type Stage struct {
	Segment
	Map    *Map
	Split  Split
	Rounds []int // of Map's doublings
	// Layout packs the outputs; FoldRounds are of its fold's doublings.
	Layout     *Layout
	FoldRounds []int
	// Entry is the shape at the linear map's input; the map is rescaled by
	// Rescale primes, and a square by one more.
	Entry   Shape
	Rescale int
	// Linear is the map's work with its doublings, Activation that of the square,
	// its relinearisation and the fold.
	LinearWork, ActivationWork Work
}

// After is the shape behind the linear map, before the activation.
func (s *Stage) After() Shape {
	return Shape{s.Entry.Limbs - s.Rescale, s.Entry.Special, s.Entry.Workers}
}

// Options guide a lowering.
type Options struct {
	Slots   int
	Special int
	// Base is the limbs of the outputs. Every square takes one prime, and every
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

// Cache holds maps by segment and layouts.
type Cache map[cacheKey]*Map

type cacheKey struct {
	segment  int
	from, to string
}

// Plan is a lowered program.
type Plan struct {
	Stages []Stage
	Inputs int // elements of the program's input
	Limbs  int // of fresh ciphertexts
}

// New lowers p with the layouts of least predicted time. It returns an error
// that names the layer where an operation can't be packed, and ctx's once that is
// done.
func New(ctx context.Context, segments []Segment, p *bundle.Program, o Options) (*Plan, error) {
	plan := &Plan{Inputs: bundle.Size(p.Input.Shape), Limbs: o.Base + Rescales(segments)}
	if o.Cache == nil {
		o.Cache = Cache{}
	}
	// entries[k] is the best way to arrive at layout k of the tensor before.
	entries := []entry{{}}
	limbs := plan.Limbs
	for i := range segments {
		seg := &segments[i]
		var sum *Sum
		if i+1 < len(segments) {
			sum = segments[i+1].Sum
		}
		rescale := rescales(segments, i)
		var next []entry
		shape := Shape{limbs, o.Special, o.Workers}
		var inherited []Strides
		var in []int
		if i > 0 {
			for k := range entries {
				inherited = append(inherited, entries[k].stage.Layout.Strides)
			}
			if in = segments[i-1].Shape; seg.Sum != nil {
				in = seg.Sum.Shape
			}
		}
		layouts := layouts(seg.Shape, sum, o.Slots, inherited, in)
		for k := range layouts {
			best := entry{cost: math.Inf(1)}
			for f := range entries {
				if err := ctx.Err(); err != nil {
					return nil, err
				}
				spare := (best.cost - entries[f].cost) / (float64(shape.Limbs) * o.Costs.Product)
				limit := int(min(spare, maxTerms))
				for _, st := range o.stages(i, seg, &entries[f], &layouts[k], shape, rescale, limit) {
					c := entries[f].cost + o.Costs.Nanoseconds(st.LinearWork) + o.Costs.Nanoseconds(st.ActivationWork)
					if i == 0 {
						c += float64(o.Client * float64(st.Map.Cts))
					}
					if c < best.cost {
						best = entry{c, st, &entries[f]}
					}
				}
			}
			if !math.IsInf(best.cost, 1) {
				next = append(next, best)
			}
		}
		if len(next) == 0 {
			return nil, fmt.Errorf("packed: layer %q: no layout in ciphertexts of %d slots needs at most %d products", seg.Name, o.Slots, maxTerms)
		}
		entries = next
		limbs -= rescale
		if squares(seg) {
			limbs--
		}
	}
	best := &entries[0]
	for k := range entries {
		if entries[k].cost < best.cost {
			best = &entries[k]
		}
	}
	plan.Stages = make([]Stage, len(segments))
	for i := len(segments) - 1; i >= 0; i-- {
		plan.Stages[i] = *best.stage
		best = best.from
	}
	return plan, nil
}

// rescales is the primes that the map of segment i takes.
func rescales(segments []Segment, i int) int {
	if i == len(segments)-1 && !squares(&segments[i]) {
		return 0
	}
	return 1
}

// Rescales is the primes that a program of these segments takes.
func Rescales(segments []Segment) int {
	n := 0
	for i := range segments {
		n += rescales(segments, i)
		if squares(&segments[i]) {
			n++
		}
	}
	return n
}

type entry struct {
	cost  float64
	stage *Stage
	from  *entry
}

// squares reports whether the segment's activation multiplies.
func squares(s *Segment) bool { return s.Poly != nil && s.Poly.Degree() > 1 }

// Squares reports whether the stage's activation multiplies.
func (s *Stage) Squares() bool { return squares(&s.Segment) }

// stages are the ways to evaluate segment i from one layout to another with at
// most limit products.
func (o *Options) stages(i int, seg *Segment, from *entry, to *Layout, shape Shape, rescale, limit int) []*Stage {
	var maps []*Map
	if from.stage == nil {
		for d := 0; to.Period<<d <= o.Slots; d++ {
			maps = append(maps, newFirst(seg.Whole, &to.Places, d))
		}
	} else {
		m := seg.Whole
		if from.stage.Layout.Fold != nil {
			m = seg.Rest
		}
		if m == nil {
			return nil
		}
		key := cacheKey{i, from.stage.Layout.Name, to.Name}
		l := o.Cache[key]
		if l == nil {
			if l = newMap(m, from.stage.Layout.Read(), &to.Places, limit); l == nil {
				return nil
			}
			o.Cache[key] = l
		}
		maps = append(maps, l)
	}
	var all []*Stage
	for _, m := range maps {
		st := &Stage{Segment: *seg, Map: m, Layout: to, Entry: shape, Rescale: rescale}
		st.Split, st.LinearWork = m.best(shape, rescale, o.Costs)
		after := st.After()
		if m.Doublings > 0 {
			var w Work
			st.Rounds, w = after.Doublings(m.Doublings, o.Costs)
			st.LinearWork = st.LinearWork.Plus(w.Times(to.Cts))
		}
		read := to.Read()
		if squares(seg) {
			st.ActivationWork = after.Square().Times(to.Cts).Plus(after.Relinearise().Times(read.Cts))
			after.Limbs--
		}
		if f := to.Fold; f != nil && f.Doublings > 0 {
			var w Work
			st.FoldRounds, w = after.Doublings(f.Doublings, o.Costs)
			st.ActivationWork = st.ActivationWork.Plus(w.Times(read.Cts))
		}
		all = append(all, st)
	}
	return all
}
