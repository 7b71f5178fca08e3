// Package rolestest checks, in tests of encrypted executors, that what a server
// holds never reaches a secret key: by types, for everything that a server could
// ever hold, and by values, for what it does hold behind interfaces, in functions
// and as mere numbers.
package rolestest

import (
	"reflect"
	"testing"
)

// NoSecret walks every type that the public ones reach and fails if one is the
// secret key's. The client's type must reach it, which shows that the walk works.
// It does not see what interfaces and functions hold, nor a key's words on their
// own; NoSecretValue does.
func NoSecret(t *testing.T, secret, client reflect.Type, public ...reflect.Type) {
	t.Helper()
	for _, from := range public {
		if reaches(from, secret, map[reflect.Type]bool{}) {
			t.Errorf("%v reaches a secret key", from)
		}
	}
	if !reaches(client, secret, map[reflect.Type]bool{}) {
		t.Error("the walk does not find the client's key")
	}
}

// reaches walks pointers, elements, keys and fields; seen are the types that it
// has been at.
func reaches(at, secret reflect.Type, seen map[reflect.Type]bool) bool {
	if at == secret {
		return true
	}
	if seen[at] {
		return false
	}
	seen[at] = true
	switch at.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Chan:
		return reaches(at.Elem(), secret, seen)
	case reflect.Map:
		return reaches(at.Key(), secret, seen) || reaches(at.Elem(), secret, seen)
	case reflect.Struct:
		for i := range at.NumField() {
			if reaches(at.Field(i).Type, secret, seen) {
				return true
			}
		}
	}
	return false
}
