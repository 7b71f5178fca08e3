package document

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Decode fills in dst, a pointer to a struct whose fields have yaml tags, from a
// mapping: keys that are not there leave dst as it is. It is strict: an unknown
// key and a value of another type than the field's are each an [*Error] with the
// key's path. A pointer may be null, which makes it nil; a map too.
func (n *Node) Decode(dst any) error { return n.into(reflect.ValueOf(dst).Elem(), "") }

func (n *Node) fail(path, format string, args ...any) error {
	return &Error{Node: n, Path: path, Message: fmt.Sprintf(format, args...)}
}

// unmarshaler is a type that reads itself, from what the function decodes into one
// type or another.
type unmarshaler interface {
	UnmarshalYAML(decode func(dst any) error) error
}

// own lets a type read itself. Its own errors get the path and the place.
func (n *Node) own(u unmarshaler, path string) error {
	err := u.UnmarshalYAML(func(dst any) error { return n.into(reflect.ValueOf(dst).Elem(), path) })
	var placed *Error
	if err == nil || errors.As(err, &placed) {
		return err
	}
	return n.fail(path, "%v", err)
}

// into decodes n, which stands at path, into v.
func (n *Node) into(v reflect.Value, path string) error {
	if u, ok := v.Addr().Interface().(unmarshaler); ok {
		return n.own(u, path)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if n.Null() {
			if n.Empty() {
				return n.fail(path, "%s", emptySection)
			}
			v.SetZero()
			return nil
		}
		// What the pointer shows stays for others that share it.
		fresh := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			fresh.Elem().Set(v.Elem())
		}
		if err := n.into(fresh.Elem(), path); err != nil {
			return err
		}
		v.Set(fresh)
		return nil
	case reflect.Struct:
		return n.section(v, path)
	case reflect.Interface:
		return n.any(v, path)
	case reflect.Map:
		return n.table(v, path)
	case reflect.Slice:
		return n.list(v, path)
	}
	return n.scalar(v, path)
}

const emptySection = "the section is empty: leave the key out, or write {} for the defaults"

// section decodes a mapping into a struct.
func (n *Node) section(v reflect.Value, path string) error {
	switch {
	case n.Empty():
		return n.fail(path, "%s", emptySection)
	case n.Kind == Scalar && strings.Contains(n.Text, ":") && !n.Quoted:
		return n.fail(path, "%s: want a section: a blank is missing after the colon", n.describe())
	case n.Kind != Mapping:
		return n.fail(path, "%s: want a section, one of %s", n.describe(), strings.Join(names(v.Type()), ", "))
	}
	for _, e := range n.Entries {
		f, ok := Field(v, e.Key)
		if !ok {
			return e.unknown(path, names(v.Type()))
		}
		if err := e.Value.into(f, Join(path, e.Key)); err != nil {
			return e.placed(err)
		}
	}
	return nil
}

// placed gives an error of an empty value, which stands nowhere, the key's place.
func (e *Entry) placed(err error) error {
	if of, ok := err.(*Error); ok && of.Node == e.Value && e.Value.Empty() {
		of.Node = e.Place
	}
	return err
}

// unknown is the error of a key that there is not.
func (e *Entry) unknown(path string, known []string) error {
	message := fmt.Sprintf("unknown field %q: want one of %s", e.Key, strings.Join(known, ", "))
	key, _, glued := strings.Cut(e.Key, ":")
	switch near := closest(e.Key, known); {
	case glued && closest(key, known) == key:
		message = fmt.Sprintf("unknown field %q: a blank is missing after the colon", e.Key)
	case near != "":
		message = fmt.Sprintf("unknown field %q: did you mean %s?", e.Key, near)
	}
	return &Error{Node: e.Place, Path: Join(path, e.Key), Message: message}
}

// table decodes a mapping into a map with texts for keys.
func (n *Node) table(v reflect.Value, path string) error {
	switch {
	case n.Empty():
		return n.fail(path, "%s", emptySection)
	case n.Null():
		v.SetZero()
		return nil
	case n.Kind != Mapping:
		return n.fail(path, "%s: want a section of names", n.describe())
	}
	m := reflect.MakeMap(v.Type())
	for _, e := range n.Entries {
		if e.Key == "" {
			return &Error{Node: e.Place, Path: path, Message: "a name is empty"}
		}
		value := reflect.New(v.Type().Elem()).Elem()
		if err := e.Value.into(value, Join(path, e.Key)); err != nil {
			return e.placed(err)
		}
		m.SetMapIndex(reflect.ValueOf(e.Key), value)
	}
	v.Set(m)
	return nil
}

// list decodes a list; it replaces what was there.
func (n *Node) list(v reflect.Value, path string) error {
	if n.Kind == Scalar && n.Null() && !n.Empty() {
		v.SetZero()
		return nil
	}
	if n.Kind != List {
		return n.fail(path, "%s: want a list, as in [%s]", n.describe(), example(v.Type().Elem()))
	}
	out := reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items))
	for i, item := range n.Items {
		if err := item.into(out.Index(i), Join(path, item.name(i))); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

func example(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Struct, reflect.Map:
		return "{...}, {...}"
	case reflect.String:
		return "a, b"
	}
	return "1, 28, 28"
}

// name is how paths call entry i of a list: by its key name, if it has one.
func (n *Node) name(i int) string {
	if n.Kind == Mapping {
		if e := n.Get("name"); e != nil && e.Value.Kind == Scalar && e.Value.Text != "" {
			return e.Value.Text
		}
	}
	return strconv.Itoa(i)
}

// Join is the path of a key below another.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Field is the field of a struct that a key names, also in inlined structs.
func Field(v reflect.Value, key string) (reflect.Value, bool) {
	t := v.Type()
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			if f, ok := Field(v.Field(i), key); ok {
				return f, true
			}
		case name == key && name != "" && name != "-":
			return v.Field(i), true
		}
	}
	return reflect.Value{}, false
}

// names are the keys that a struct may have, in order.
func names(t reflect.Type) (keys []string) {
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		switch {
		case options == "inline":
			keys = append(keys, names(t.Field(i).Type)...)
		case name != "" && name != "-":
			keys = append(keys, name)
		}
	}
	return keys
}
