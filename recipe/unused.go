package recipe

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// UnusedError is a key that was given and would change nothing.
type UnusedError struct {
	Key string // its path
	For string // what would use it
	Is  string // what there is instead
}

func (e *UnusedError) Error() string {
	if e.For == images.what || e.For == sentences.what {
		return fmt.Sprintf("%s: it is for %s, and this recipe's network %s: leave it out", e.Key, e.For, e.Is)
	}
	return fmt.Sprintf("%s: it is for %s, which is %s here: leave it out", e.Key, e.For, e.Is)
}

// checkUsed refuses what has no effect: keys that this kind of recipe does not use,
// unless they have their defaults, and keys of verify where nothing is encrypted.
func (r *Recipe) checkUsed() error {
	for _, l := range r.written().leaves() {
		if c := r.misses(l.key); c != nil && l.given() {
			return &UnusedError{l.key, c.what, c.is(r)}
		}
	}
	encrypted := "a verify.backend that encrypts"
	switch v := r.Verify; {
	case r.Quantize.Method == "none" && v.Backend != "auto" && v.Backend != "none":
		return &UnusedError{"verify.backend", "quantize.method qat or ptq", "none"}
	case r.Quantize.Method == "none" && v.EncryptedLimit != 0 && !r.ReadsWords():
		return &UnusedError{"verify.encrypted_limit", "quantize.method qat or ptq", "none"}
	case v.Backend == "none" && v.LogN != 0:
		return &UnusedError{"verify.log_n", encrypted, "none"}
	}
	for name, l := range r.Quantize.Layers {
		if l.Bits == 0 && l.Accumulator == nil {
			return fmt.Errorf("quantize.layers.%s: it says nothing: give bits or accumulator, or leave it out", name)
		}
	}
	return nil
}

// as is the recipe for another method: what only the old one uses has its
// defaults.
func (r *Recipe) as(method string) *Recipe {
	c := r.written()
	if r.Sentence != nil {
		s := *r.Sentence
		c.Sentence = &s
	}
	c.Quantize.Method = method
	for _, l := range c.leaves() {
		section, _, _ := strings.Cut(l.key, ".")
		if (section == "quantize" || section == "sentence") && c.misses(l.key) != nil && r.misses(l.key) == nil {
			l.value.Set(l.standard)
		}
	}
	return c
}

// leaf is a key of a recipe with nothing below it but what is given as a whole: a
// value, a list, a map or an optional section.
type leaf struct {
	key             string
	value, standard reflect.Value // standard is what it is where it is not given
}

func (l leaf) given() bool {
	if k := l.value.Kind(); (k == reflect.Map || k == reflect.Slice) && l.value.Len() == 0 {
		return false
	}
	return !reflect.DeepEqual(l.value.Interface(), l.standard.Interface())
}

// leaves are the keys of all sections, in the schema's order. Their values are r's
// own. Of an optional section that r has, the keys of it are there, else the section.
func (r *Recipe) leaves() (all []leaf) {
	d := defaults()
	d.Sentence, d.Data.Text = &Sentence{}, &Text{}
	var walk func(path string, v, d reflect.Value)
	walk = func(path string, v, d reflect.Value) {
		fields := fieldsOf(v.Type())
		if optional := path == "sentence" || path == "data.text"; optional && v.IsNil() {
			d = reflect.Zero(v.Type())
		} else if optional {
			v, d = v.Elem(), d.Elem()
		}
		if v.Kind() != reflect.Struct || fields == nil {
			all = append(all, leaf{path, v, d})
			return
		}
		for _, f := range fields {
			key := f.key
			if path != "" {
				key = path + "." + key
			}
			walk(key, partOf(v, f.key), partOf(d, f.key))
		}
	}
	walk("", reflect.ValueOf(r).Elem(), reflect.ValueOf(&d).Elem())
	return all
}

// misses is the first condition of a key that the recipe does not meet, nil where
// the key is used.
func (r *Recipe) misses(key string) *condition {
	for _, c := range usedBy[key] {
		if !c.met(r) {
			return c
		}
	}
	return nil
}

// partOf is the field of a struct that YAML calls key.
func partOf(v reflect.Value, key string) reflect.Value {
	t := v.Type()
	for i := range t.NumField() {
		name, options, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name == key {
			return v.Field(i)
		}
		if options == "inline" {
			if f := partOf(v.Field(i), key); f.IsValid() {
				return f
			}
		}
	}
	return reflect.Value{}
}

// method is the condition that quantize.method is one of some.
func method(names ...string) *condition {
	return &condition{
		what: "quantize.method " + strings.Join(names, " or "),
		met:  func(r *Recipe) bool { return slices.Contains(names, r.Quantize.Method) },
		is:   func(r *Recipe) string { return r.Quantize.Method },
	}
}
