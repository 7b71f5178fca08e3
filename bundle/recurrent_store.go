package bundle

import (
	"fmt"

	"qtool/internal/safetensors"
)

type (
	recurrentAttributes struct {
		Steps  int            `json:"steps"`
		Output string         `json:"output"`
		States []State        `json:"states"`
		Body   []manifestNode `json:"body"`
	}
)

// describeBody is the attributes of the Recurrent called name. Weights and tables
// of a body node go by the name of both.
func describeBody(r *Recurrent, name string, f, tables *safetensors.File) (recurrentAttributes, error) {
	a := recurrentAttributes{Steps: r.Steps, Output: r.Output, States: r.States}
	for i := range r.Body {
		n := &r.Body[i]
		m, err := describe(n, name+"."+n.Name, f, tables)
		if err != nil {
			return a, fmt.Errorf("body node %q: %w", n.Name, err)
		}
		a.Body = append(a.Body, m)
	}
	return a, nil
}

// recurrent is the inverse of describeBody.
func (a *recurrentAttributes) recurrent(name string, weights, tables *safetensors.File) (*Recurrent, error) {
	r := &Recurrent{Steps: a.Steps, Output: a.Output, States: a.States}
	for i := range r.States {
		if r.States[i].Range.Lo == nil {
			return nil, fmt.Errorf("state %q has no range", r.States[i].Name)
		}
	}
	for i := range a.Body {
		m := &a.Body[i]
		if m.Op == KindRecurrent {
			return nil, fmt.Errorf("body node %q: operation %q has no place in the body of another", m.Name, m.Op)
		}
		n, err := m.node(name+"."+m.Name, weights, tables)
		if err != nil {
			return nil, fmt.Errorf("body node %q: %w", m.Name, err)
		}
		if !n.Range.Union(n.Seen).Equal(n.Range) {
			return nil, fmt.Errorf("body node %q: calibration range %v is not inside the static bound %v", m.Name, n.Seen, n.Range)
		}
		r.Body = append(r.Body, n)
	}
	return r, nil
}
