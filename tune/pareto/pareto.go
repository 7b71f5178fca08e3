// Package pareto looks for the best trade-offs between loss and cost over a
// few whole numbers, such as each layer's bits. It knows nothing of networks:
// what a candidate is worth, its caller says.
//
// It is a Pareto local search. First come the points where all axes have the
// same value, or the one below it, from the largest to the smallest. Then, again and again, the point
// of the front whose loss would hurt most is taken and its neighbours are tried:
// one axis one value down or up, the steps first that have added least to the
// loss, or taken most from it, wherever they were taken so far; when every point of the
// front has had its neighbours tried, two axes at once. Nothing is drawn at
// random and nothing depends on time, so that a search which is repeated, on the
// answers it had before or on equal answers of another machine, takes the
// same way.
//
// Reference: Paquete, Chiarandini, Stützle, "Pareto local optimum sets in the
// biobjective traveling salesman problem: an experimental study", 2004.
package pareto

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Axis is a number to be chosen, one of Values, which rise.
type Axis struct {
	Name   string `json:"name"`
	Values []int  `json:"values"`
	// Offset is how much higher than the other axes this one stands where all are
	// alike.
	Offset int `json:"offset,omitempty"`
}

// Range are the whole numbers from low to high.
func Range(low, high int) []int {
	var all []int
	for v := low; v <= high; v++ {
		all = append(all, v)
	}
	return all
}

// Nearest is the largest value up to v, or the lowest.
func (a Axis) Nearest(v int) int {
	best := a.Values[0]
	for _, w := range a.Values {
		if w <= v {
			best = w
		}
	}
	return best
}

// step is the value before v (by -1) or after it (by +1).
func (a Axis) step(v, by int) (int, bool) {
	i := slices.Index(a.Values, v) + by
	if i < 0 || i >= len(a.Values) {
		return 0, false
	}
	return a.Values[i], true
}

// Point is a value for every axis.
type Point []int

// key tells points apart.
func (p Point) key() string { return fmt.Sprint([]int(p)) }

// Candidate is a point and what it is worth.
type Candidate struct {
	Point Point
	// Feasible is false where there is no cost; the other figures then count for
	// nothing.
	Feasible bool
	Loss     float64 // 0 or more; the smaller the better
	Cost     float64 // positive
}

// Task is a search.
type Task struct {
	Axes []Axis
	// Candidates is how many points may be tried.
	Candidates int
	// Start, if not nil, is tried first.
	Start Point
	// Evaluate says what a point is worth. It is called once for each point.
	Evaluate func(ctx context.Context, p Point) (Candidate, error)
}

// Run searches and returns every candidate in the order that it was tried.
func Run(ctx context.Context, t Task) ([]Candidate, error) {
	if len(t.Axes) == 0 || t.Candidates < 1 {
		return nil, fmt.Errorf("pareto: %d axes and %d candidates: want one of each at least", len(t.Axes), t.Candidates)
	}
	for _, a := range t.Axes {
		if len(a.Values) == 0 || !rising(a.Values) {
			return nil, fmt.Errorf("pareto: axis %q: values %v: want one at least, and rising", a.Name, a.Values)
		}
	}
	s := &state{Task: t, at: map[string]int{}, reach: map[string]int{}}
	if t.Start != nil {
		if err := s.try(ctx, t.Start); err != nil {
			return nil, err
		}
	}
	if err := s.uniform(ctx); err != nil {
		return nil, err
	}
	for len(s.tried) < t.Candidates {
		c, reach := s.next()
		if reach == 0 {
			break
		}
		s.reach[c.Point.key()] = reach
		for _, p := range s.neighbours(c.Point, reach) {
			if err := s.try(ctx, p); err != nil {
				return nil, err
			}
		}
	}
	return s.tried, nil
}

func rising(v []int) bool {
	for i := range v[1:] {
		if v[i+1] <= v[i] {
			return false
		}
	}
	return true
}

// maxReach is how many axes at once a step may change.
const maxReach = 2

// state is a search in progress.
type state struct {
	Task
	tried []Candidate
	at    map[string]int // index in tried
	reach map[string]int // how many axes at once have been changed around a point
}

// try evaluates a point unless it was, or there is no more to be spent.
func (s *state) try(ctx context.Context, p Point) error {
	if _, ok := s.at[p.key()]; ok || len(s.tried) >= s.Candidates {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := s.Evaluate(ctx, slices.Clone(p))
	if err != nil {
		return err
	}
	c.Point = p
	s.at[p.key()] = len(s.tried)
	s.tried = append(s.tried, c)
	return nil
}

// uniform tries the points where every axis has one value, as far as it may.
func (s *state) uniform(ctx context.Context) error {
	low, high := s.Axes[0].Values[0]-s.Axes[0].Offset, s.Axes[0].Values[0]-s.Axes[0].Offset
	for _, a := range s.Axes {
		low, high = min(low, a.Values[0]-a.Offset), max(high, a.Values[len(a.Values)-1]-a.Offset)
	}
	for v := high; v >= low; v-- {
		p := make(Point, len(s.Axes))
		for i, a := range s.Axes {
			p[i] = a.Nearest(v + a.Offset)
		}
		if err := s.try(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

// next is the point of the front to look around, and how far; 0 where all has
// been looked at.
func (s *state) next() (Candidate, int) {
	front := Front(s.tried)
	gains := contributions(front)
	for reach := 1; reach <= min(maxReach, len(s.Axes)); reach++ {
		best := -1
		for i, c := range front {
			if s.reach[c.Point.key()] < reach && (best < 0 || gains[i] > gains[best]) {
				best = i
			}
		}
		if best >= 0 {
			return front[best], reach
		}
	}
	return Candidate{}, 0
}

// neighbours are the points around p with exactly so many axes changed by one,
// the most promising first.
func (s *state) neighbours(p Point, reach int) []Point {
	worth := s.steps()
	type move struct {
		to    Point
		worth float64
	}
	moves := []move{{slices.Clone(p), 0}}
	for range reach {
		var further []move
		for _, m := range moves {
			last := -1 // axes are changed in order, so that no point comes twice
			for i := range p {
				if m.to[i] != p[i] {
					last = i
				}
			}
			for i := last + 1; i < len(p); i++ {
				for d, step := range [2]int{-1, 1} {
					v, ok := s.Axes[i].step(p[i], step)
					if !ok {
						continue
					}
					to := slices.Clone(m.to)
					to[i] = v
					further = append(further, move{to, m.worth + worth[i][d]})
				}
			}
		}
		moves = further
	}
	slices.SortStableFunc(moves, func(a, b move) int { return cmp.Compare(b.worth, a.worth) })
	points := make([]Point, len(moves))
	for i, m := range moves {
		points[i] = m.to
	}
	return points
}

// steps is, for every axis, how much loss a step down and one up have taken away on
// average between candidates that differ by it alone; 0 where there are
// none.
func (s *state) steps() [][2]float64 {
	all := make([][2]float64, len(s.Axes))
	for i := range s.Axes {
		sum, n := 0.0, 0
		for _, c := range s.tried {
			above := slices.Clone(c.Point)
			var more bool
			if above[i], more = s.Axes[i].step(above[i], 1); !more {
				continue
			}
			if k, ok := s.at[above.key()]; ok && c.Feasible && s.tried[k].Feasible {
				sum += c.Loss - s.tried[k].Loss
				n++
			}
		}
		if n > 0 {
			all[i] = [2]float64{-sum / float64(n), sum / float64(n)}
		}
	}
	return all
}
