package recipe

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
)

// override sets keys of a resolved recipe and checks the result. A key is a
// path of map keys, list indices (from 0) and names of list entries:
// train.epochs, network.layers.conv1.channels, network.input.0.
func override(r *Recipe, sets []string) (*Recipe, error) {
	for _, s := range sets {
		key, text, ok := strings.Cut(s, "=")
		if !ok || key == "" {
			return nil, fmt.Errorf("override %q: want key=value", s)
		}
		value, err := parseValue(text)
		if err != nil {
			return nil, fmt.Errorf("override %q: %w", s, err)
		}
		if r, err = r.with(s, strings.Split(key, "."), value); err != nil {
			return nil, err
		}
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("with %s: %w", strings.Join(sets, " "), err)
	}
	return r, nil
}

// with is a copy of r with the value at path, as the override s says. It is
// resolved again, so that the next override finds every key, but not checked.
func (r *Recipe) with(s string, path []string, value any) (*Recipe, error) {
	b, err := r.Encode()
	if err != nil {
		return nil, err
	}
	var tree yaml.MapSlice
	if err := yaml.UnmarshalWithOptions(b, &tree, yaml.UseOrderedMap()); err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	if err := set(tree, path, value); err != nil {
		return nil, fmt.Errorf("override %q: %w", s, err)
	}
	if b, err = yaml.MarshalWithOptions(tree, yaml.CustomMarshaler(quoted)); err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	out := defaults()
	if err := decode(b, &out); err != nil {
		return nil, fmt.Errorf("with %s: %w", s, err)
	}
	return &out, nil
}

func parseValue(text string) (value any, err error) {
	defer func() { // as in decode
		if recover() != nil {
			err = fmt.Errorf("value is not YAML")
		}
	}()
	if yaml.UnmarshalWithOptions([]byte(text), &value, yaml.UseOrderedMap()) != nil {
		return nil, fmt.Errorf("value is not YAML")
	}
	return value, nil
}

// set replaces the value at path. The tree is a resolved recipe, so every key
// that may be set is in it, except those a layer leaves out, those below a null,
// and names of layers in quantize.layers.
func set(node any, path []string, value any) error {
	step := path[0]
	switch n := node.(type) {
	case yaml.MapSlice:
		for i := range n {
			if n[i].Key == step {
				if len(path) == 1 {
					n[i].Value = value
					return nil
				}
				if m, _ := n[i].Value.(yaml.MapSlice); n[i].Value == nil || step == "layers" && m != nil && !has(m, path[1]) {
					n[i].Value = append(m, yaml.MapItem{Key: path[1], Value: nested(path[2:], value)})
					return nil
				}
				return set(n[i].Value, path[1:], value)
			}
		}
		keys := make([]string, len(n))
		for i := range n {
			keys[i] = fmt.Sprint(n[i].Key)
		}
		return fmt.Errorf("no key %q: want one of %s", step, strings.Join(keys, ", "))
	case []any:
		i, err := find(n, step)
		if err != nil {
			return err
		}
		if len(path) == 1 {
			n[i] = value
			return nil
		}
		if m, ok := n[i].(yaml.MapSlice); ok && len(path) == 2 && !has(m, path[1]) {
			n[i] = append(m, yaml.MapItem{Key: path[1], Value: value})
			return nil
		}
		return set(n[i], path[1:], value)
	}
	return fmt.Errorf("%q is below a single value", step)
}

// nested is value below the keys of path.
func nested(path []string, value any) any {
	for i := len(path) - 1; i >= 0; i-- {
		value = yaml.MapSlice{{Key: path[i], Value: value}}
	}
	return value
}

func has(m yaml.MapSlice, key string) bool {
	for _, item := range m {
		if item.Key == key {
			return true
		}
	}
	return false
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
