package recipe

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"qtool/recipe/document"
)

// With is the recipe with overrides of the form "key.path=value", as Load applies
// them. The recipe itself stays.
func (r *Recipe) With(overrides []string) (*Recipe, error) {
	changed, err := override(r, overrides)
	if err != nil {
		return nil, fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	return changed, nil
}

// override sets keys of a resolved recipe and checks the result. A key is a
// path of map keys, list indices (from 0) and names of list entries:
// train.epochs, network.layers.conv1.channels, network.input.0. Parts that the
// recipe does not have, but may, are made: quantize.layers.fc.bits. With another
// quantize.method, what the recipe says for its own method alone is left out.
func override(r *Recipe, sets []string) (*Recipe, error) {
	dir := r.Dir
	for _, s := range slices.Backward(sets) {
		if text, ok := strings.CutPrefix(s, "quantize.method="); ok {
			value, err := document.ParseValue(text)
			if err == nil && value.Kind == document.Scalar && value.Text != r.Quantize.Method {
				r = r.as(value.Text)
			}
			break
		}
	}
	b, err := r.Encode()
	if err != nil {
		return nil, err
	}
	tree, err := document.Parse(b)
	if err != nil {
		return nil, err
	}
	tree.Move("") // what is encoded here has no lines that anyone could look up
	for _, s := range sets {
		key, text, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("override %q: want key=value", s)
		}
		if err := bounded([]byte(text)); err != nil {
			return nil, fmt.Errorf("override %q: value: %w", s, err)
		}
		if strings.Contains(text, "&") && strings.Contains(text, "*") {
			return nil, fmt.Errorf("override %q: value with anchors and aliases: write out what they name", s)
		}
		value, err := document.ParseValue(text)
		if err != nil {
			return nil, fmt.Errorf("override %q: value is not YAML: %w", s, err)
		}
		value.Move(s)
		if err := set(tree, reflect.TypeFor[Recipe](), strings.Split(key, "."), value); err != nil {
			return nil, fmt.Errorf("override %q: %w", s, err)
		}
	}
	out, err := resolve(tree)
	var unused *UnusedError
	for errors.As(err, &unused) && r.misses(unused.Key) == nil && forget(tree, unused.Key, sets) {
		out, err = resolve(tree)
	}
	var own *document.Error
	if errors.As(err, &own) && own.Node.Set != "" {
		return nil, err // it names its override
	}
	if err != nil {
		return nil, fmt.Errorf("with %s: %w", strings.Join(sets, " "), err)
	}
	out.Dir = dir
	return out, nil
}

// forget takes a key of the section sentence out of a recipe whose overrides made
// another network of it, which does not use the key, and reports whether it did: not
// where an override sets the key itself.
func forget(tree *document.Node, key string, sets []string) bool {
	name, ok := strings.CutPrefix(key, "sentence.")
	section := tree.Get("sentence")
	if !ok || section == nil || slices.ContainsFunc(sets, func(s string) bool { return strings.HasPrefix(s, key+"=") }) {
		return false
	}
	before := len(section.Value.Entries)
	section.Value.Entries = slices.DeleteFunc(section.Value.Entries, func(e *document.Entry) bool { return e.Key == name })
	return len(section.Value.Entries) < before
}

// set replaces the value at a path below node. t is the type that node becomes
// when it is decoded: a key that the encoded recipe leaves out is added if t has
// it, with what lies above it.
func set(node *document.Node, t reflect.Type, path []string, value *document.Node) error {
	if len(path) == 0 {
		*node = *value
		return nil
	}
	step := path[0]
	if node.Null() && branches(t) { // an optional part that is not there
		*node = document.Node{Kind: document.Mapping, Set: value.Set}
	}
	switch node.Kind {
	case document.Mapping:
		typ := below(t, step)
		e := node.Get(step)
		if e == nil {
			if typ == nil || step == "" {
				return document.Unknown(step, keys(node, t))
			}
			if len(path) > 1 && !branches(typ) {
				return fmt.Errorf("%q is below a single value", path[1])
			}
			place := &document.Node{Set: value.Set}
			e = &document.Entry{Key: step, Place: place, Value: &document.Node{Set: value.Set}}
			node.Entries = append(node.Entries, e)
		}
		return set(e.Value, typ, path[1:], value)
	case document.List:
		i, err := find(node, step)
		if err != nil {
			return err
		}
		return set(node.Items[i], entryOf(t), path[1:], value)
	}
	return fmt.Errorf("%q is below a single value", step)
}

// keys are the keys that a mapping may have: of a struct all its keys, of anything else
// the keys that are there.
func keys(n *document.Node, t reflect.Type) (names []string) {
	for _, f := range fieldsOf(t) {
		names = append(names, f.key)
	}
	if names == nil {
		for _, e := range n.Entries {
			names = append(names, e.Key)
		}
	}
	return names
}

// find is the index of a list entry, by number or by its "name".
func find(list *document.Node, step string) (int, error) {
	if i, err := strconv.Atoi(step); err == nil {
		if i < 0 || i >= len(list.Items) {
			return 0, fmt.Errorf("index %d is outside 0..%d", i, len(list.Items)-1)
		}
		return i, nil
	}
	for i, item := range list.Items {
		if e := item.Get("name"); e != nil && e.Value.Text == step {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no entry is called %q", step)
}
