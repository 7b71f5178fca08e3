package recipe

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
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
	for _, s := range slices.Backward(sets) {
		if text, ok := strings.CutPrefix(s, "quantize.method="); ok {
			value, err := parseValue(text)
			if method, ok := value.(string); err == nil && ok && method != r.Quantize.Method {
				r = r.as(method)
			}
			break
		}
	}
	b, err := r.Encode()
	if err != nil {
		return nil, err
	}
	var tree yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(b, &tree, yaml.UseOrderedMap()); err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	for _, s := range sets {
		key, text, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("override %q: want key=value", s)
		}
		value, err := parseValue(text)
		if err != nil {
			return nil, fmt.Errorf("override %q: %w", s, err)
		}
		next, err := set(tree, reflect.TypeFor[Recipe](), strings.Split(key, "."), value)
		if err != nil {
			return nil, fmt.Errorf("override %q: %w", s, err)
		}
		tree = next.(yaml.MapSlice)
	}
	if b, err = yaml.MarshalWithOptions(tree, yaml.CustomMarshaler(quoted)); err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	out := defaults()
	if err := decode(b, &out); err != nil {
		return nil, fmt.Errorf("with %s: %w", strings.Join(sets, " "), err)
	}
	if err := out.Validate(); err != nil {
		return nil, fmt.Errorf("with %s: %w", strings.Join(sets, " "), err)
	}
	return &out, nil
}

func parseValue(text string) (value any, err error) {
	defer func() { // as in decode
		if recover() != nil {
			err = fmt.Errorf("value is not YAML")
		}
	}()
	if err := bounded([]byte(text)); err != nil {
		return nil, fmt.Errorf("value: %w", err)
	}
	if strings.Contains(text, "&") && strings.Contains(text, "*") {
		// Written out again, each alias would be a copy of what it names.
		return nil, fmt.Errorf("value with anchors and aliases: write out what they name")
	}
	if yaml.UnmarshalWithOptions([]byte(text), &value, yaml.UseOrderedMap()) != nil {
		return nil, fmt.Errorf("value is not YAML")
	}
	return value, nil
}

// set returns node with the value at path replaced. t is the type that node
// becomes when it is decoded: a key that the encoded recipe leaves out is added
// if t has it, with what lies above it.
func set(node any, t reflect.Type, path []string, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	step := path[0]
	if node == nil && branches(t) { // an optional part that is not there
		node = yaml.MapSlice{}
	}
	switch n := node.(type) {
	case yaml.MapSlice:
		typ := below(t, step)
		i := slices.IndexFunc(n, func(item yaml.MapItem) bool { return item.Key == step })
		if i < 0 {
			if typ == nil || step == "" {
				return nil, fmt.Errorf("no key %q: want one of %s", step, strings.Join(keys(n, t), ", "))
			}
			if len(path) > 1 && !branches(typ) {
				return nil, fmt.Errorf("%q is below a single value", path[1])
			}
			n, i = append(n, yaml.MapItem{Key: step}), len(n)
		}
		var err error
		n[i].Value, err = set(n[i].Value, typ, path[1:], value)
		return n, err
	case []any:
		i, err := find(n, step)
		if err != nil {
			return nil, err
		}
		n[i], err = set(n[i], entryOf(t), path[1:], value)
		return n, err
	}
	return nil, fmt.Errorf("%q is below a single value", step)
}

// keys are those that a mapping may have: of a struct all, of anything else
// those that are there.
func keys(n yaml.MapSlice, t reflect.Type) (names []string) {
	for _, f := range fieldsOf(t) {
		names = append(names, f.key)
	}
	if names == nil {
		for _, item := range n {
			names = append(names, fmt.Sprint(item.Key))
		}
	}
	return names
}

// find is the index of a list entry, by number or by its "name".
func find(list []any, step string) (int, error) {
	if i, err := strconv.Atoi(step); err == nil {
		if i < 0 || i >= len(list) {
			return 0, fmt.Errorf("index %d is outside 0..%d", i, len(list)-1)
		}
		return i, nil
	}
	for i, e := range list {
		if m, ok := e.(yaml.MapSlice); ok {
			for _, item := range m {
				if item.Key == "name" && item.Value == step {
					return i, nil
				}
			}
		}
	}
	return 0, fmt.Errorf("no entry is called %q", step)
}
