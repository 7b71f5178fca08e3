package rolestest

import (
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

// NoSecretValue walks everything that the public values hold, through pointers,
// interfaces, slices, maps and unexported fields, and fails where a run of the
// secret's coefficients stands among numbers of any width or in a string. What the
// walk cannot look into fails too: a channel, an unsafe pointer, and a function
// unless it is a plain one, which holds nothing, or its name begins with one of
// those allowed. The client's value must hold the secret, which shows that the walk
// works.
func NoSecretValue(t *testing.T, c Coefficients, client any, public []any, allowed ...string) {
	t.Helper()
	for _, v := range public {
		for _, what := range Find(v, c, allowed...) {
			t.Error(what)
		}
	}
	if !slices.ContainsFunc(Find(client, c, allowed...), func(what string) bool { return strings.Contains(what, "secret key") }) {
		t.Error("the walk does not find the client's key")
	}
}

// Find is what NoSecretValue fails for in one value: where, and what.
func Find(v any, c Coefficients, allowed ...string) []string {
	w := &walk{secret: c, allowed: allowed, seen: map[place]bool{}}
	w.value(reflect.TypeOf(v).String(), reflect.ValueOf(v))
	return w.found
}

// place is what was walked already.
type place struct {
	at  unsafe.Pointer
	n   int
	typ reflect.Type
}

type walk struct {
	secret  Coefficients
	allowed []string
	seen    map[place]bool
	found   []string
}

func (w *walk) report(path, format string, a ...any) {
	w.found = append(w.found, path+" "+fmt.Sprintf(format, a...))
}

// first reports whether what lies at an address is met for the first time.
func (w *walk) first(at unsafe.Pointer, n int, typ reflect.Type) bool {
	p := place{at, n, typ}
	was := w.seen[p]
	w.seen[p] = true
	return !was
}

func (w *walk) value(path string, v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && w.first(v.UnsafePointer(), 1, v.Type()) {
			w.value(path, v.Elem())
		}
	case reflect.Interface:
		if !v.IsNil() {
			w.value(path+".("+v.Elem().Type().String()+")", v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			w.value(path+"."+v.Type().Field(i).Name, v.Field(i))
		}
	case reflect.Map:
		for entries := v.MapRange(); entries.Next(); {
			w.value(path+"[key]", entries.Key())
			w.value(path+"[]", entries.Value())
		}
	case reflect.Slice:
		if v.Cap() > 0 && w.first(v.UnsafePointer(), v.Cap(), v.Type()) {
			w.elements(path, v.Slice(0, v.Cap()), v.UnsafePointer())
		}
	case reflect.Array:
		if v.CanAddr() && v.Len() > 0 {
			w.elements(path, v, v.Addr().UnsafePointer())
			return
		}
		for i := range v.Len() {
			w.value(path+"[]", v.Index(i))
		}
	case reflect.String:
		search(w, path, []byte(v.String()), 8)
	case reflect.Func:
		w.function(path, v)
	case reflect.Chan, reflect.UnsafePointer:
		if !v.IsNil() {
			w.report(path, "is a %v, which may hold a secret", v.Type())
		}
	}
}

// elements walks a slice or an array whose elements begin at an address.
func (w *walk) elements(path string, v reflect.Value, at unsafe.Pointer) {
	n := v.Len()
	switch v.Type().Elem().Kind() {
	case reflect.Int8, reflect.Uint8:
		search(w, path, unsafe.Slice((*uint8)(at), n), 8)
	case reflect.Int16, reflect.Uint16:
		search(w, path, unsafe.Slice((*uint16)(at), n), 16)
	case reflect.Int32, reflect.Uint32:
		search(w, path, unsafe.Slice((*uint32)(at), n), 32)
	case reflect.Int64, reflect.Uint64, reflect.Int, reflect.Uint:
		search(w, path, unsafe.Slice((*uint64)(at), n), 64)
	case reflect.Float64:
		wide := make([]uint64, n)
		for i, x := range unsafe.Slice((*float64)(at), n) {
			wide[i] = uint64(int64(x))
		}
		search(w, path, wide, 64)
	case reflect.Bool, reflect.Float32, reflect.Complex64, reflect.Complex128:
	default:
		for i := range n {
			w.value(fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
	}
}

// search looks for the runs in numbers of so many bits. Residues are looked for in
// numbers of 64 bits only.
func search[T uint8 | uint16 | uint32 | uint64](w *walk, path string, v []T, width int) {
	same := func(i int, n int, want func(k int) T) bool {
		if n == 0 || i+n > len(v) {
			return false
		}
		for k := range n {
			if v[i+k] != want(k) {
				return false
			}
		}
		return true
	}
	first := map[T][]int{}
	if width == 64 {
		for j, words := range w.secret.words {
			first[T(words[0])] = append(first[T(words[0])], j)
		}
	}
	for i := range v {
		for _, j := range first[v[i]] {
			words := w.secret.words[j]
			if same(i, len(words), func(k int) T { return T(words[k]) }) {
				w.report(path, "holds residues of the secret key from number %d on", i)
				return
			}
		}
		for _, small := range w.secret.small {
			if same(i, len(small), func(k int) T { return T(int64(small[k])) }) {
				w.report(path, "holds coefficients of the secret key from number %d on", i)
				return
			}
		}
	}
}

// function allows nil, plain functions and the names that are allowed. Closures
// are called by package, function and .func1, bound methods by -fm.
func (w *walk) function(path string, v reflect.Value) {
	if v.IsNil() {
		return
	}
	name := runtime.FuncForPC(v.Pointer()).Name()
	short := name[strings.LastIndex(name, "/")+1:]
	if !strings.Contains(short, ".func") && !strings.HasSuffix(short, "-fm") {
		return
	}
	if !slices.ContainsFunc(w.allowed, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
		w.report(path, "is the function %s, which may hold a secret", name)
	}
}
