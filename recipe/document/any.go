package document

import (
	"reflect"
	"strconv"
)

// any decodes into an interface what a type that has several forms tells apart: a
// whole number as int64, another number as float64, any other value as its text, and a
// list as []any of these. A section has no such form.
func (n *Node) any(v reflect.Value, path string) error {
	value, err := n.value(path)
	if err == nil {
		v.Set(reflect.ValueOf(value))
	}
	return err
}

func (n *Node) value(path string) (any, error) {
	switch {
	case n.Kind == List:
		all := make([]any, len(n.Items))
		for i, item := range n.Items {
			var err error
			if all[i], err = item.value(Join(path, item.name(i))); err != nil {
				return nil, err
			}
		}
		return all, nil
	case n.Kind == Mapping:
		return nil, n.fail(path, "%s is neither a value nor a list of values", n.describe())
	case n.Null():
		return nil, n.fail(path, "it is %s: leave the key out", n.describe())
	case n.Quoted:
		return n.Text, nil
	}
	if why := misread(n.Text); why != "" {
		return nil, n.fail(path, "%s: %s", n.describe(), why)
	}
	if decimal.MatchString(n.Text) || hexadecimal.MatchString(n.Text) {
		i, err := strconv.ParseInt(n.Text, 0, 64)
		if err != nil {
			return nil, n.fail(path, "%s is out of range", n.Text)
		}
		return i, nil
	}
	if number.MatchString(n.Text) {
		f, err := strconv.ParseFloat(n.Text, 64)
		if err != nil {
			return nil, n.fail(path, "%s is out of range", n.Text)
		}
		return f, nil
	}
	return n.Text, nil
}
