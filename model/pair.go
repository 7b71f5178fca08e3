package model

import (
	"encoding/json"
	"fmt"
	"math"
)

// Pair is a number for each dimension of a picture: [height, width]. In recipes
// and checkpoints two equal numbers are written as one. Both 0 is not set.
type Pair [2]int

// Both is the pair of n and n.
func Both(n int) Pair { return Pair{n, n} }

// IsZero reports whether the pair is not set.
func (p Pair) IsZero() bool { return p == Pair{} }

// String is "3", or "2x3" where height and width differ.
func (p Pair) String() string {
	if p[0] == p[1] {
		return fmt.Sprint(p[0])
	}
	return fmt.Sprintf("%dx%d", p[0], p[1])
}

// plain is the form in which a file has the pair.
func (p Pair) plain() any {
	if p[0] == p[1] {
		return p[0]
	}
	return [2]int(p)
}

// set takes what a file says.
func (p *Pair) set(v any) error {
	n, err := wholeNumbers(v, 1, 2)
	if err != nil {
		return fmt.Errorf("%w: want a whole number, or a pair [height, width]", err)
	}
	*p = Pair{n[0], n[len(n)-1]}
	return nil
}

// MarshalYAML writes one number or two.
func (p Pair) MarshalYAML() (any, error) { return p.plain(), nil }

// UnmarshalYAML reads one number or two.
func (p *Pair) UnmarshalYAML(unmarshal func(any) error) error { return fromYAML(p, unmarshal) }

// MarshalJSON writes one number or two.
func (p Pair) MarshalJSON() ([]byte, error) { return json.Marshal(p.plain()) }

// UnmarshalJSON reads one number or two.
func (p *Pair) UnmarshalJSON(b []byte) error { return fromJSON(p, b) }

// Padding is how many zeros are put around a picture: on each of its sides, or
// as many as keep the size but for the stride ("same"). A recipe gives one number
// for all sides, a pair [top and bottom, left and right], the four [top, left,
// bottom, right], or same.
type Padding struct {
	Top, Left, Bottom, Right int
	// Same asks for outputs of ceil(size/stride) in each dimension. Where the
	// zeros that takes are an odd number, the bottom and the right get one more.
	Same bool
}

// same is how files spell Padding.Same.
const same = "same"

// AllSides is n zeros on each of the four sides.
func AllSides(n int) Padding { return Padding{Top: n, Left: n, Bottom: n, Right: n} }

// IsZero reports whether there is no padding.
func (p Padding) IsZero() bool { return p == Padding{} }

func (p Padding) plain() any {
	switch {
	case p.Same:
		return same
	case p.Top != p.Bottom || p.Left != p.Right:
		return [4]int{p.Top, p.Left, p.Bottom, p.Right}
	}
	return Pair{p.Top, p.Left}.plain()
}

func (p *Padding) set(v any) error {
	if v == same {
		*p = Padding{Same: true}
		return nil
	}
	n, err := wholeNumbers(v, 1, 2, 4)
	if err != nil {
		return fmt.Errorf("%w: want a whole number, a pair [vertical, horizontal], four [top, left, bottom, right], or same", err)
	}
	switch len(n) {
	case 1:
		*p = AllSides(n[0])
	case 2:
		*p = Padding{Top: n[0], Bottom: n[0], Left: n[1], Right: n[1]}
	default:
		*p = Padding{Top: n[0], Left: n[1], Bottom: n[2], Right: n[3]}
	}
	return nil
}

// MarshalYAML writes the shortest form.
func (p Padding) MarshalYAML() (any, error) { return p.plain(), nil }

// UnmarshalYAML reads any of the forms.
func (p *Padding) UnmarshalYAML(unmarshal func(any) error) error { return fromYAML(p, unmarshal) }

// MarshalJSON writes the shortest form.
func (p Padding) MarshalJSON() ([]byte, error) { return json.Marshal(p.plain()) }

// UnmarshalJSON reads any of the forms.
func (p *Padding) UnmarshalJSON(b []byte) error { return fromJSON(p, b) }

// Names are names of layers. In recipes and checkpoints a single one is written
// without a list.
type Names []string

func (n Names) plain() any {
	if len(n) == 1 {
		return n[0]
	}
	return []string(n)
}

func (n *Names) set(v any) error {
	want := func(v any) error {
		return fmt.Errorf("%v is no name: want the name of a layer, or a list of names", v)
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	if len(list) == 0 {
		return want("an empty list")
	}
	names := make(Names, len(list))
	for i, v := range list {
		if names[i], ok = v.(string); !ok || names[i] == "" {
			return want(v)
		}
	}
	*n = names
	return nil
}

// MarshalYAML writes a name or a list.
func (n Names) MarshalYAML() (any, error) { return n.plain(), nil }

// UnmarshalYAML reads a name or a list.
func (n *Names) UnmarshalYAML(unmarshal func(any) error) error { return fromYAML(n, unmarshal) }

// MarshalJSON writes a name or a list.
func (n Names) MarshalJSON() ([]byte, error) { return json.Marshal(n.plain()) }

// UnmarshalJSON reads a name or a list.
func (n *Names) UnmarshalJSON(b []byte) error { return fromJSON(n, b) }

// setter is a value with several forms in files.
type setter interface{ set(v any) error }

func fromYAML(s setter, unmarshal func(any) error) error {
	var v any
	if err := unmarshal(&v); err != nil {
		return err
	}
	return s.set(v)
}

func fromJSON(s setter, b []byte) error {
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		return err
	}
	return s.set(v)
}

// wholeNumbers are the integers of a number or of a list of numbers that has one
// of the lengths.
func wholeNumbers(v any, lengths ...int) ([]int, error) {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	fits := false
	for _, n := range lengths {
		fits = fits || n == len(list)
	}
	if !fits {
		return nil, fmt.Errorf("%v has %d numbers", v, len(list))
	}
	all := make([]int, len(list))
	for i, v := range list {
		switch n := v.(type) {
		case int64:
			all[i] = int(n)
		case uint64:
			if n > math.MaxInt {
				return nil, fmt.Errorf("%d is too large", n)
			}
			all[i] = int(n)
		case float64: // JSON has no other numbers
			if n != math.Trunc(n) || math.Abs(n) > 1<<53 {
				return nil, fmt.Errorf("%v is not a whole number", n)
			}
			all[i] = int(n)
		default:
			return nil, fmt.Errorf("%v is not a whole number", v)
		}
	}
	return all, nil
}
