package document

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	pathInFront  = regexp.MustCompile(`^[a-zA-Z0-9_-]+(\.[a-zA-Z0-9_-]+)*`)
	layerInside  = regexp.MustCompile(`layer "([^"]*)"`)
	keyBehind    = regexp.MustCompile(`^[^:]*: (?:[a-z]+: )?([a-z_]+)\b`)
	layersOfPart = "layers"
)

// Locate is the place, as errors begin with it, of what a message speaks of: the
// key whose path the message begins with, or as much of the path as the document
// has; and where the message names a layer of that section, the layer, or its key.
// It is "" for what the document does not have.
func (n *Node) Locate(message string) string {
	path := strings.Split(pathInFront.FindString(message), ".")
	var at *Entry
	node := n
	for _, key := range path {
		e := node.child(key)
		if e == nil {
			break
		}
		at, node = e, e.Value
	}
	if at == nil {
		return ""
	}
	if m := layerInside.FindStringSubmatchIndex(message); m != nil && node.Kind == Mapping {
		if layers := node.Get(layersOfPart); layers != nil {
			if e := layers.Value.child(message[m[2]:m[3]]); e != nil {
				at = e
				if key := keyBehind.FindStringSubmatch(message[m[1]:]); key != nil && e.Value.child(key[1]) != nil {
					at = e.Value.child(key[1])
				}
			}
		}
	}
	p := at.Value
	if p.Kind != Scalar || p.Empty() || p.Line == 0 {
		p = at.Place
	}
	if p.Line == 0 {
		return ""
	}
	return fmt.Sprintf("[%d:%d] ", p.Line, p.Column)
}

// child is the entry of a mapping with the given key, or of a list the one that a
// path calls so; nil for none.
func (n *Node) child(key string) *Entry {
	if n.Kind == Mapping {
		return n.Get(key)
	}
	for i, item := range n.Items {
		if item.name(i) == key {
			return &Entry{Key: key, Place: item, Value: item}
		}
	}
	return nil
}
