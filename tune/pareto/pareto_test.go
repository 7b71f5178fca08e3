package pareto

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
)

// landscape is a made-up network: an axis' bits add 4^-bits times its
// sensitivity to the loss, and the cost grows with the weighted sum of bits. Sums above
// limit are infeasible.
type landscape struct {
	sensitivity, weight []float64
	limit               float64
	calls               int
}

func (l *landscape) worth(p Point) Candidate {
	loss, sum := 0.005, 0.0
	for i, b := range p {
		loss += l.sensitivity[i] * math.Pow(4, -float64(b))
		sum += l.weight[i] * float64(b)
	}
	if sum > l.limit {
		return Candidate{Point: p}
	}
	return Candidate{Point: p, Feasible: true, Loss: min(loss, 0.9), Cost: math.Exp2(sum / 10)}
}

func (l *landscape) Evaluate(_ context.Context, p Point) (Candidate, error) {
	l.calls++
	return l.worth(p), nil
}

func axes(n int) []Axis {
	all := make([]Axis, n)
	for i := range all {
		all[i] = Axis{Name: fmt.Sprint("layer", i), Values: Range(2, 8)}
	}
	return all
}

func run(t *testing.T, l *landscape, candidates int) []Candidate {
	t.Helper()
	all, err := Run(context.Background(), Task{Axes: axes(len(l.weight)), Candidates: candidates, Evaluate: l.Evaluate})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func hills() *landscape {
	return &landscape{sensitivity: []float64{3, 0.1, 1}, weight: []float64{4, 4, 1}, limit: 1000}
}

// With a third of all points tried the front is nearly that of all of them: no
// point of the true front is better by more than a twentieth of its error at no
// more cost.
func TestFindsTheFront(t *testing.T) {
	l := hills()
	var every []Candidate
	for a := 2; a <= 8; a++ {
		for b := 2; b <= 8; b++ {
			for c := 2; c <= 8; c++ {
				every = append(every, l.worth(Point{a, b, c}))
			}
		}
	}
	found := run(t, l, 115)
	truth, front := Front(every), Front(found)
	if len(truth) < 10 {
		t.Fatalf("a front of %d points tests nothing", len(truth))
	}
	for _, c := range truth {
		best := 1.0
		for _, f := range front {
			if f.Cost <= c.Cost {
				best = min(best, f.Loss)
			}
		}
		if best > 1.05*c.Loss {
			t.Errorf("point %v has error %.4f at cost %.1f, the search %.4f", c.Point, c.Loss, c.Cost, best)
		}
	}
	// Points of equal bits alone are worse somewhere.
	if uniform := Front(found[:7]); len(uniform) >= len(front) {
		t.Errorf("%d points on the front of equal bits, %d on the whole", len(uniform), len(front))
	}
}

// The budget is kept, no point comes twice, and a smaller budget is the
// beginning of a larger one's way.
func TestWay(t *testing.T) {
	long := run(t, hills(), 60)
	l := hills()
	short := run(t, l, 25)
	if len(long) != 60 || len(short) != 25 || l.calls != 25 {
		t.Fatalf("%d and %d candidates, %d calls", len(long), len(short), l.calls)
	}
	if !reflect.DeepEqual(long[:25], short) {
		t.Error("a smaller budget goes another way")
	}
	seen := map[string]bool{}
	for _, c := range long {
		if seen[c.Point.key()] {
			t.Errorf("%v is tried twice", c.Point)
		}
		seen[c.Point.key()] = true
	}
	if want := (Point{8, 8, 8}); !slices.Equal(long[0].Point, want) {
		t.Errorf("begins with %v", long[0].Point)
	}
}

// A search ends when the points are all tried.
func TestEnds(t *testing.T) {
	l := &landscape{sensitivity: []float64{1}, weight: []float64{1}, limit: 1000}
	if all := run(t, l, 1000); len(all) != 7 {
		t.Errorf("%d candidates of 7 points", len(all))
	}
	if all := run(t, hills(), 1000); len(all) > 343 {
		t.Errorf("%d candidates of 343 points", len(all))
	}
}

// What nothing carries is not on the front, and does not end the search.
func TestInfeasible(t *testing.T) {
	l := hills()
	l.limit = 40
	all := run(t, l, 80)
	feasible := 0
	for _, c := range all {
		if c.Feasible {
			feasible++
		}
	}
	if feasible == 0 || feasible == len(all) {
		t.Fatalf("%d of %d candidates are feasible: this tests nothing", feasible, len(all))
	}
	for _, c := range Front(all) {
		if !c.Feasible {
			t.Errorf("%v is on the front", c.Point)
		}
	}
	l.limit = 0
	if all := run(t, l, 80); len(all) != 7 || len(Front(all)) != 0 {
		t.Errorf("%d candidates and a front of %d where nothing is feasible", len(all), len(Front(all)))
	}
}

func TestFrontAndThin(t *testing.T) {
	c := func(cost, loss float64) Candidate {
		return Candidate{Point: Point{int(cost * 100), int(loss * 1000)}, Feasible: true, Cost: cost, Loss: loss}
	}
	front := Front([]Candidate{c(4, 0.1), c(1, 0.5), c(2, 0.5), c(2, 0.2), c(3, 0.3), c(1, 0.6), {}, c(2.1, 0.199), c(8, 0.1)})
	want := []Candidate{c(1, 0.5), c(2, 0.2), c(2.1, 0.199), c(4, 0.1)}
	if !reflect.DeepEqual(front, want) {
		t.Errorf("front %v", front)
	}
	if got := Thin(front, 3); !reflect.DeepEqual(got, []Candidate{want[0], want[1], want[3]}) {
		t.Errorf("of three: %v", got)
	}
	if got := Thin(front, 9); !reflect.DeepEqual(got, want) || len(Thin(front, 0)) != 0 || len(Thin(nil, 3)) != 0 {
		t.Errorf("of nine: %v", got)
	}
}

// Axes of other values than whole ranges: a point has only those, and neighbours
// are one value apart.
func TestValues(t *testing.T) {
	all := []Axis{{Name: "degree", Values: []int{1, 3, 5, 9}}, {Name: "bits", Values: []int{2, 4, 8}}}
	var tried []Point
	_, err := Run(context.Background(), Task{Axes: all, Candidates: 100, Evaluate: func(_ context.Context, p Point) (Candidate, error) {
		tried = append(tried, p)
		return Candidate{Feasible: true, Loss: 1 / float64(p[0]*p[1]), Cost: float64(p[0] * p[1])}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []Point{{9, 8}, {5, 8}, {5, 4}, {3, 4}, {3, 2}, {1, 2}}; !reflect.DeepEqual(tried[:6], want) {
		t.Errorf("began with %v, want %v", tried[:6], want)
	}
	if len(tried) != 12 {
		t.Errorf("%d points of 12: %v", len(tried), tried)
	}
	for _, p := range tried {
		if !slices.Contains(all[0].Values, p[0]) || !slices.Contains(all[1].Values, p[1]) {
			t.Errorf("point %v", p)
		}
	}
	// From a start of its own, with an axis that stands higher.
	all, tried = []Axis{{Name: "bits", Values: Range(1, 4)}, {Name: "domain", Values: Range(3, 9), Offset: 4}}, nil
	_, err = Run(context.Background(), Task{Axes: all, Start: Point{2, 9}, Candidates: 6, Evaluate: func(_ context.Context, p Point) (Candidate, error) {
		tried = append(tried, p)
		return Candidate{Feasible: true, Loss: 0.5, Cost: 1}, nil
	}})
	if want := []Point{{2, 9}, {4, 9}, {4, 8}, {3, 7}, {2, 6}, {1, 5}}; err != nil || !reflect.DeepEqual(tried, want) {
		t.Errorf("%v, tried %v, want %v", err, tried, want)
	}
}

func TestErrors(t *testing.T) {
	ctx := context.Background()
	for _, c := range []Task{{Candidates: 3}, {Axes: axes(1)}, {Axes: []Axis{{Name: "x"}}, Candidates: 1}, {Axes: []Axis{{Name: "x", Values: []int{1, 3, 3}}}, Candidates: 1}} {
		if _, err := Run(ctx, c); err == nil {
			t.Errorf("%+v is accepted", c)
		}
	}
	broken := errors.New("broken")
	if _, err := Run(ctx, Task{Axes: axes(2), Candidates: 3, Evaluate: func(context.Context, Point) (Candidate, error) { return Candidate{}, broken }}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
	ended, end := context.WithCancel(ctx)
	end()
	if _, err := Run(ended, Task{Axes: axes(2), Candidates: 3, Evaluate: hills().Evaluate}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Of the steps around a point those come first that have cost least, or brought
// most, by axis: here a bit less of the second axis cost nothing, one of the first
// a fifth, and the third was never varied alone.
func TestOrderOfSteps(t *testing.T) {
	s := &state{Task: Task{Axes: axes(3)}, at: map[string]int{}}
	for _, c := range []Candidate{
		{Point: Point{4, 4, 4}, Feasible: true, Loss: 0.1, Cost: 3},
		{Point: Point{3, 4, 4}, Feasible: true, Loss: 0.3, Cost: 2},
		{Point: Point{4, 3, 4}, Feasible: true, Loss: 0.1 - 1e-9, Cost: 2},
		{Point: Point{4, 4, 5}},
	} {
		s.at[c.Point.key()] = len(s.tried)
		s.tried = append(s.tried, c)
	}
	want := []Point{{5, 4, 4}, {4, 3, 4}, {4, 4, 3}, {4, 4, 5}, {4, 5, 4}, {3, 4, 4}}
	if got := s.neighbours(Point{4, 4, 4}, 1); !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	pairs := s.neighbours(Point{4, 4, 4}, 2)
	if len(pairs) != 12 || !slices.Equal(pairs[0], Point{5, 3, 4}) || !slices.Equal(pairs[11], Point{3, 5, 4}) {
		t.Errorf("two at once: %v", pairs)
	}
	// No step leaves an axis.
	if got := s.neighbours(Point{2, 8, 2}, 1); len(got) != 3 {
		t.Errorf("from a corner: %v", got)
	}
}
