package document

import (
	"fmt"

	"gopkg.in/yaml.v3"
)

// reader makes nodes of the library's, with aliases and merges written out.
type reader struct {
	count int
	open  map[*yaml.Node]bool // anchors that are being written out
}

// node is y and what is below it.
func (r *reader) node(y *yaml.Node, depth int) (*Node, error) {
	n := &Node{Line: y.Line, Column: y.Column}
	if r.count++; r.count > maxNodes {
		return nil, &Error{Node: n, Message: fmt.Sprintf("more than %d values, with aliases written out", maxNodes)}
	}
	if depth > maxDepth {
		return nil, &Error{Node: n, Message: fmt.Sprintf("more than %d levels of nesting", maxDepth)}
	}
	if err := known(y, n); err != nil {
		return nil, err
	}
	switch y.Kind {
	case yaml.AliasNode:
		if r.open[y.Alias] {
			return nil, &Error{Node: n, Message: fmt.Sprintf("alias *%s stands inside what it names", y.Value)}
		}
		r.open[y.Alias] = true
		defer delete(r.open, y.Alias)
		return r.node(y.Alias, depth+1)
	case yaml.ScalarNode:
		n.Text = y.Value
		n.Quoted = y.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 ||
			y.Style&yaml.TaggedStyle != 0 && y.Tag == "!!str"
		return n, nil
	case yaml.SequenceNode:
		n.Kind = List
		for _, c := range y.Content {
			item, err := r.node(c, depth+1)
			if err != nil {
				return nil, err
			}
			n.Items = append(n.Items, item)
		}
		return n, nil
	case yaml.MappingNode:
		n.Kind = Mapping
		return n, r.mapping(n, y, depth)
	}
	return nil, &Error{Node: n, Message: "a value of a kind that recipes do not have"}
}

// known refuses all tags but the tags of YAML itself.
func known(y *yaml.Node, n *Node) error {
	if y.Style&yaml.TaggedStyle == 0 {
		return nil
	}
	switch y.Tag {
	case "!!str", "!!int", "!!float", "!!bool", "!!null", "!!map", "!!seq":
		return nil
	}
	return &Error{Node: n, Message: fmt.Sprintf("tag %s is not known: leave it out", y.Tag)}
}

// mapping fills in n's entries: its own first, then what is merged.
func (r *reader) mapping(n *Node, y *yaml.Node, depth int) error {
	var merged []*yaml.Node
	for i := 0; i+1 < len(y.Content); i += 2 {
		k, v := y.Content[i], y.Content[i+1]
		place := &Node{Line: k.Line, Column: k.Column}
		if k.Kind == yaml.AliasNode {
			k = k.Alias
		}
		if k.Kind != yaml.ScalarNode {
			return &Error{Node: place, Message: "a key is a list or has keys itself: want a name"}
		}
		if k.Value == "<<" && k.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) == 0 {
			merged = append(merged, v)
			continue
		}
		if twice := n.Get(k.Value); twice != nil {
			return &Error{Node: place, Path: k.Value, Message: fmt.Sprintf("the key stands twice: already defined in line %d", twice.Place.Line)}
		}
		value, err := r.node(v, depth+1)
		if err != nil {
			return err
		}
		n.Entries = append(n.Entries, &Entry{Key: k.Value, Place: place, Value: value})
	}
	for _, m := range merged {
		if err := r.merge(n, m, depth); err != nil {
			return err
		}
	}
	return nil
}

// merge adds to n what it does not have yet of a mapping, an alias of one, or a
// list of these.
func (r *reader) merge(n *Node, y *yaml.Node, depth int) error {
	from, err := r.node(y, depth+1)
	if err != nil {
		return err
	}
	sources := []*Node{from}
	if from.Kind == List {
		sources = from.Items
	}
	for _, s := range sources {
		if s.Kind != Mapping {
			return &Error{Node: &Node{Line: y.Line, Column: y.Column}, Path: "<<", Message: fmt.Sprintf("%s cannot be merged: want keys with values, or a list of such", s.describe())}
		}
		for _, e := range s.Entries {
			if n.Get(e.Key) == nil {
				n.Entries = append(n.Entries, e)
			}
		}
	}
	return nil
}
