// Package search looks for the best trade-offs between accuracy and cost over a
// few whole numbers, such as each layer's bits. It knows nothing of networks:
// what a candidate is worth, its caller says.
//
// It is a Pareto local search. First come the points where all axes have the
// same value, from the largest to the smallest. Then, again and again, the point
// of the front whose loss would hurt most is taken and its neighbours are tried:
// one axis one step down or up, the steps first that have cost least accuracy,
// or brought most, wherever they were taken so far; when every point of the
// front has had its neighbours tried, two axes at once. Nothing is drawn at
// random and nothing depends on time, so that a search which is repeated, on the
// answers it had before or on those of another machine that agree, takes the
// same way.
//
// Reference: Paquete, Chiarandini, Stützle, "Pareto local optimum sets in the
// biobjective traveling salesman problem: an experimental study", 2004.
package search

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Axis is a number to be chosen, within Low..High.
type Axis struct {
	Name string `json:"name"`
	Low  int    `json:"low"`
	High int    `json:"high"`
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
	Accuracy float64 // 0..1
	Cost     float64 // positive
}

// Task is a search.
type Task struct {
	Axes []Axis
	// Candidates is how many points may be tried.
	Candidates int
	// Evaluate says what a point is worth. It is called once for each point.
	Evaluate func(ctx context.Context, p Point) (Candidate, error)
}

// Run searches and returns every candidate in the order that it was tried.
func Run(ctx context.Context, t Task) ([]Candidate, error) {
	if len(t.Axes) == 0 || t.Candidates < 1 {
		return nil, fmt.Errorf("search: %d axes and %d candidates: want one of each at least", len(t.Axes), t.Candidates)
	}
	for _, a := range t.Axes {
		if a.Low > a.High {
			return nil, fmt.Errorf("search: axis %q: range %d..%d is empty", a.Name, a.Low, a.High)
		}
	}
	s := &state{Task: t, at: map[string]int{}, reach: map[string]int{}}
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
	low, high := s.Axes[0].Low, s.Axes[0].High
	for _, a := range s.Axes {
		low, high = min(low, a.Low), max(high, a.High)
	}
	for v := high; v >= low; v-- {
		p := make(Point, len(s.Axes))
		for i, a := range s.Axes {
			p[i] = min(max(v, a.Low), a.High)
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
					if v := p[i] + step; v < s.Axes[i].Low || v > s.Axes[i].High {
						continue
					}
					to := slices.Clone(m.to)
					to[i] += step
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

// steps is, for every axis, the mean change of accuracy that a step down and one
// up have made between candidates that differ by it alone; 0 where there are
// none.
func (s *state) steps() [][2]float64 {
	all := make([][2]float64, len(s.Axes))
	for i := range s.Axes {
		sum, n := 0.0, 0
		for _, c := range s.tried {
			above := slices.Clone(c.Point)
			above[i]++
			if k, ok := s.at[above.key()]; ok && c.Feasible && s.tried[k].Feasible {
				sum += s.tried[k].Accuracy - c.Accuracy
				n++
			}
		}
		if n > 0 {
			all[i] = [2]float64{-sum / float64(n), sum / float64(n)}
		}
	}
	return all
}
