package bundle

import (
	"errors"
	"fmt"
	"slices"
)

// Support is what programs a back end carries: its name for messages, the
// operations at the top level, and whether nodes may read other tensors than the one
// before them.
type Support struct {
	Backend string
	Kinds   []Kind
	Graphs  bool
}

// ErrUnsupported marks a program that a back end does not carry.
var ErrUnsupported = errors.New("program is not supported")

// UnsupportedError names what a back end does not carry. It wraps ErrUnsupported.
type UnsupportedError struct {
	Backend string
	Layer   string
	Kind    Kind
	Why     string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("%s: layer %q: operation %s is not supported%s", e.Backend, e.Layer, e.Kind, e.Why)
}

// Unwrap is ErrUnsupported.
func (e *UnsupportedError) Unwrap() error { return ErrUnsupported }

// Check returns an *UnsupportedError for the first layer of p that the back end does
// not carry, and another error where p's names do not resolve. It costs nothing next
// to a plan.
func (s Support) Check(p *Program) error {
	g, err := p.Graph()
	if err != nil {
		return err
	}
	for i := range p.Nodes {
		n := &p.Nodes[i]
		if !slices.Contains(s.Kinds, n.Kind()) {
			return &UnsupportedError{s.Backend, n.Name, n.Kind(), ""}
		}
		if in := g.Inputs[i]; !s.Graphs && (len(in) != 1 || in[0] != i) {
			return &UnsupportedError{s.Backend, n.Name, n.Kind(), fmt.Sprintf(" on the inputs %q: this back end carries chains, in which a layer reads the one before it", n.Inputs)}
		}
	}
	return nil
}
