package parallel

import (
	"errors"
	"slices"
	"testing"
)

// Every group passes both functions in order, in memory that nothing else uses meanwhile.
func TestAlternate(t *testing.T) {
	for _, n := range []int{0, 1, 2, 7, 100} {
		var memory [2]int
		var got, want []int
		err := Alternate(n, func(g int) error {
			memory[g%2] = g * g
			return nil
		}, func(g int) error {
			got = append(got, memory[g%2])
			return nil
		})
		for g := range n {
			want = append(want, g*g)
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%d groups: %v, %v", n, got, err)
		}
	}
}

// An error of either function ends the work, with nothing running behind it.
func TestAlternateStops(t *testing.T) {
	failure := errors.New("failure")
	for _, of := range []int{0, 1} {
		for _, at := range []int{0, 1, 5, 9} {
			var last [2]int
			running := 0
			do := func(which int) func(int) error {
				return func(g int) error {
					if which == 1 {
						running++
						defer func() { running-- }()
					}
					last[which] = g
					if which == of && g == at {
						return failure
					}
					return nil
				}
			}
			if err := Alternate(10, do(0), do(1)); !errors.Is(err, failure) || last[of] != at || last[0] > at+1 || running != 0 {
				t.Errorf("function %d at group %d: %v after %v, %d running", of, at, err, last, running)
			}
		}
	}
}
