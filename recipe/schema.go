package recipe

import (
	"reflect"
	"strings"
)

// fieldType is a key of a struct and what may stand below it.
type fieldType struct {
	key string
	typ reflect.Type
}

// fieldsOf are the keys that the YAML form of t may have, in order; nil unless t
// is a struct or a pointer to one.
func fieldsOf(t reflect.Type) (fields []fieldType) {
	t = pointedTo(t)
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		f := t.Field(i)
		key, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			fields = append(fields, fieldsOf(f.Type)...)
		case key != "" && key != "-":
			fields = append(fields, fieldType{key, f.Type})
		}
	}
	return fields
}

// below is the type under key of a struct or a map, nil for a key that t cannot
// have.
func below(t reflect.Type, key string) reflect.Type {
	t = pointedTo(t)
	if t != nil && t.Kind() == reflect.Map {
		return t.Elem()
	}
	for _, f := range fieldsOf(t) {
		if f.key == key {
			return f.typ
		}
	}
	return nil
}

// entryOf is the type of a list's entries, nil for anything else.
func entryOf(t reflect.Type) reflect.Type {
	if t = pointedTo(t); t != nil && t.Kind() == reflect.Slice {
		return t.Elem()
	}
	return nil
}

// branches reports whether t has keys below it.
func branches(t reflect.Type) bool {
	t = pointedTo(t)
	return t != nil && (t.Kind() == reflect.Struct || t.Kind() == reflect.Map)
}

func pointedTo(t reflect.Type) reflect.Type {
	if t != nil && t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}
