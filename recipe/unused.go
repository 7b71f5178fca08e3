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
	return fmt.Sprintf("%s: it is for %s, which is %s here: leave it out", e.Key, e.For, e.Is)
}

// methods are what uses each part of the quantize section.
var methods = []struct {
	part string
	by   []string
}{
	{"weights", quantized}, {"input", quantized}, {"activations", quantized}, {"accumulator", quantized},
	{"layers", quantized}, {"images", quantized},
	{"ptq", []string{"ptq"}}, {"learn", []string{"qat"}}, {"finetune", []string{"qat"}},
}

var quantized = []string{"qat", "ptq"}

// checkUsed refuses what has no effect: keys of quantize that the method does
// not use, and of verify where nothing is encrypted, unless they have their
// defaults.
func (r *Recipe) checkUsed() error {
	d := defaults()
	given := func(part string) string {
		return firstGiven("quantize."+part, partOf(reflect.ValueOf(r.Quantize), part), partOf(reflect.ValueOf(d.Quantize), part))
	}
	for _, m := range methods {
		if key := given(m.part); key != "" && !slices.Contains(m.by, r.Quantize.Method) {
			return &UnusedError{key, "quantize.method " + strings.Join(m.by, " or "), r.Quantize.Method}
		}
	}
	encrypted := "a verify.backend that encrypts"
	switch v := r.Verify; {
	case r.Quantize.Method == "none" && v.Backend != "auto" && v.Backend != "none":
		return &UnusedError{"verify.backend", "quantize.method qat or ptq", "none"}
	case r.Quantize.Method == "none" && v.EncryptedLimit != 0:
		return &UnusedError{"verify.encrypted_limit", "quantize.method qat or ptq", "none"}
	case r.Quantize.Method == "none" && v.LogN != 0:
		return &UnusedError{"verify.log_n", "quantize.method qat or ptq", "none"}
	case v.Backend == "none" && v.LogN != 0:
		return &UnusedError{"verify.log_n", encrypted, "none"}
	case r.Quantize.Method == "none" && v.Memory != 0:
		return &UnusedError{"verify.memory", "quantize.method qat or ptq", "none"}
	}
	return nil
}

// as is the recipe for another method: what only the old one uses has its
// defaults.
func (r *Recipe) as(method string) *Recipe {
	c, d := *r, defaults()
	c.Quantize.Method = method
	q, fresh := reflect.ValueOf(&c.Quantize).Elem(), reflect.ValueOf(&d.Quantize).Elem()
	for _, m := range methods {
		if !slices.Contains(m.by, method) {
			partOf(q, m.part).Set(partOf(fresh, m.part))
		}
	}
	return &c
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

// firstGiven is the path of the first value of v that differs from d, "" where
// there is none.
func firstGiven(path string, v, d reflect.Value) string {
	if reflect.DeepEqual(v.Interface(), d.Interface()) {
		return ""
	}
	for _, f := range fieldsOf(v.Type()) {
		if v.Kind() != reflect.Struct {
			break // an optional part: given as a whole
		}
		if key := firstGiven(path+"."+f.key, partOf(v, f.key), partOf(d, f.key)); key != "" {
			return key
		}
	}
	return path
}
