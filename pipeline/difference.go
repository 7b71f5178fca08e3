package pipeline

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
)

// firstDifference names the first key in which two resolved recipes differ.
func firstDifference(there, here []byte) string {
	var a, b yaml.MapSlice
	if yaml.Unmarshal(there, &a) != nil || yaml.Unmarshal(here, &b) != nil {
		return "it cannot be read"
	}
	key, x, y := different("", a, b)
	return fmt.Sprintf("%s is %s there and %s here", strings.TrimPrefix(key, "."), x, y)
}

// different is the path of the first key below path in which two values differ, and
// what they are there.
func different(path string, a, b any) (key, x, y string) {
	m, isMap := a.(yaml.MapSlice)
	n, both := b.(yaml.MapSlice)
	if isMap && both {
		for _, pair := range keysOf(m, n) {
			if fmt.Sprint(pair.a) != fmt.Sprint(pair.b) {
				return different(path+"."+pair.key, pair.a, pair.b)
			}
		}
	}
	list, isList := a.([]any)
	other, both := b.([]any)
	if isList && both && len(list) == len(other) {
		for i := range list {
			if fmt.Sprint(list[i]) != fmt.Sprint(other[i]) {
				return different(fmt.Sprintf("%s.%d", path, i), list[i], other[i])
			}
		}
	}
	return path, shown(a), shown(b)
}

// pair is a key with its value in two maps, nil where one lacks it.
type pair struct {
	key  string
	a, b any
}

// keysOf are the keys of two maps in the order of the first.
func keysOf(a, b yaml.MapSlice) (all []pair) {
	value := func(m yaml.MapSlice, key any) any {
		for _, item := range m {
			if item.Key == key {
				return item.Value
			}
		}
		return nil
	}
	for _, item := range a {
		all = append(all, pair{fmt.Sprint(item.Key), item.Value, value(b, item.Key)})
	}
	for _, item := range b {
		if value(a, item.Key) == nil {
			all = append(all, pair{fmt.Sprint(item.Key), nil, item.Value})
		}
	}
	return all
}

// shown is a value of a recipe in a message.
func shown(v any) string {
	if v == nil {
		return "not set"
	}
	if s := fmt.Sprint(v); len(s) <= 60 {
		return s
	}
	return "something else"
}
