package lower

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
)

// search finds the layouts of least predicted time. After each segment there is a state
// for every choice of layouts of the tensors that are still to be read, reached in the
// best way: of a chain that is the shortest path through the layouts of its tensors.
type search struct {
	o        *Options
	segments []Segment
	last     []int // see lastReaders
	entry    []int // see limbs
	states   []*state
}

// state is a way to evaluate the segments up to one.
type state struct {
	cost  float64
	stage *Stage
	from  *state
	live  []held // by segment
}

// held is the layout of a tensor that is still to be read.
type held struct {
	segment, number int
	layout          *Layout
}

// maxStates bounds the states where more than one tensor is still to be read: the best
// are kept.
const maxStates = 96

// run goes through all segments.
func (s *search) run(ctx context.Context) error {
	s.states = []*state{{}}
	for i := range s.segments {
		if err := s.segment(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

// segment goes on by segment i.
func (s *search) segment(ctx context.Context, i int) error {
	o, seg := s.o, &s.segments[i]
	shape := Shape{s.entry[i], o.Special, o.Workers}
	layouts := layouts(seg.Shape, seg.Pool, o.Slots, s.inherited(seg))
	var next []*state
	known := map[string]*state{}
	made := map[string][]*Stage{}
	for k := range layouts {
		to := &layouts[k]
		if seg.Product {
			*to = to.factors()
		}
		for _, from := range s.states {
			if err := ctx.Err(); err != nil {
				return err
			}
			live := s.live(from.live, held{i, k, to})
			key := keyOf(live)
			best, cost := known[key], math.Inf(1)
			if best != nil {
				cost = best.cost
			}
			spare := (cost - from.cost) / (float64(shape.Limbs) * o.Costs.Product)
			limit := int(min(spare, maxTerms))
			read := from.layouts(seg)
			by := fmt.Sprint(k, keyOf(read))
			stages, ok := made[by]
			if !ok {
				var err error
				if stages, err = o.stages(ctx, s.segments, i, read, to, shape, limit); err != nil {
					return err
				}
				if stages != nil {
					made[by] = stages
				}
			}
			for _, st := range stages {
				c := from.cost + o.Costs.Nanoseconds(st.LinearWork) + o.Costs.Nanoseconds(st.ActivationWork) + float64(o.Client*float64(len(st.Map.Views)))
				if c >= cost {
					continue
				}
				cost = c
				if best == nil {
					best = &state{}
					known[key] = best
					next = append(next, best)
				}
				*best = state{c, st, from, live}
			}
		}
	}
	if len(next) == 0 {
		return fmt.Errorf("packed: layer %q: no layout in ciphertexts of %d slots needs at most %d products", seg.Name, o.Slots, maxTerms)
	}
	if len(next) > maxStates && len(next[0].live) > 1 {
		slices.SortStableFunc(next, cheaper)
		next = next[:maxStates]
	}
	s.states = next
	return nil
}

// live are the tensors that are still to be read once a segment made another.
func (s *search) live(before []held, made held) []held {
	var all []held
	for _, h := range before {
		if s.last[h.segment] > made.segment {
			all = append(all, h)
		}
	}
	return append(all, made)
}

// inherited are the strides of what seg reads, in all states.
func (s *search) inherited(seg *Segment) []inheritance {
	var all []inheritance
	for _, from := range s.states {
		for _, h := range from.layouts(seg) {
			if h.layout == nil {
				continue
			}
			shape := s.segments[h.segment].Shape
			if p := s.segments[h.segment].Pool; p != nil {
				shape = p.Shape
			}
			all = append(all, inheritance{h.layout.Strides, shape})
		}
	}
	return all
}

// layouts are the layouts of a segment's sources; Input has none.
func (s *state) layouts(seg *Segment) []held {
	all := make([]held, len(seg.Sources))
	for k, source := range seg.Sources {
		all[k] = held{segment: source}
		for _, h := range s.live {
			if h.segment == source {
				all[k] = h
			}
		}
	}
	return all
}

func keyOf(all []held) string {
	key := make([]int, 0, 2*len(all))
	for _, h := range all {
		key = append(key, h.segment, h.number)
	}
	return fmt.Sprint(key)
}

// best is the cheapest state.
func (s *search) best() *state { return slices.MinFunc(s.states, cheaper) }

func cheaper(a, b *state) int { return cmp.Compare(a.cost, b.cost) }

// stages are the n stages that lead to a state.
func (s *state) stages(n int) []*Stage {
	all := make([]*Stage, n)
	for i := n - 1; i >= 0; i-- {
		all[i], s = s.stage, s.from
	}
	return all
}
