// Package guardtest checks, in tests of types that hold secrets, that nothing
// writes the secrets out.
package guardtest

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"

	"qtool/he/internal/guard"
)

// Verbs are the verbs of package fmt, with the flags that change what they show,
// and some that it does not know.
var Verbs = strings.Fields("%v %+v %#v %s %q %d %+d %x %X %#x %o %b %c %e %E %f %g %G %t %U %z %10v %-5d %.3s")

// Secrets are a key's coefficients in all forms in which a value holds them.
type Secrets struct {
	Words [][]uint64 // residues
	Small [][]int8   // ternary or binary coefficients
}

// Texts are what a text must not contain: residues of seven digits and more in
// decimal and in hexadecimal, and runs of small coefficients as package fmt and
// encoding/json write them, as they are and plus one.
func (s Secrets) Texts() (all []string) {
	const residues, run = 8, 16
	for _, words := range s.Words {
		if distinct := slices.Compact(slices.Sorted(slices.Values(words))); len(distinct) <= residues {
			// A ternary secret outside of the NTT domain: only the run says something.
			if text := fmt.Sprint(words[:min(run, len(words))]); len(distinct) > 1 {
				all = append(all, text[1:len(text)-1])
			}
			continue
		}
		n := 0
		for _, w := range words {
			if w >= 1e6 && n < residues {
				all, n = append(all, fmt.Sprint(w), fmt.Sprintf("%x", w), fmt.Sprintf("%X", w)), n+1
			}
		}
	}
	for _, small := range s.Small {
		if len(small) < run {
			continue
		}
		shifted := make([]byte, run)
		for i, x := range small[:run] {
			shifted[i] = byte(x + 1)
		}
		for _, list := range []any{small[:run], shifted} {
			for _, verb := range []string{"%v", "%d", "%x", "%X", "%#v"} {
				text := fmt.Sprintf(verb, list)
				text = text[strings.IndexAny(text, "[{")+1:]
				text = strings.TrimRight(text, "]}")
				all = append(all, text, strings.ReplaceAll(text, " ", ","))
			}
		}
	}
	return all
}

// outer has a value where package fmt does not call its methods.
type outer[T any] struct {
	name string
	in   T
	all  []T
	by   map[string]T
	any  any
}

// Hidden checks a type that holds secrets, of which v is a value: by every verb it
// prints as nothing but its name, it is logged as such, it is marshaled by nothing,
// and structs, slices, maps and pointers that hold it show no secret either.
func Hidden[T any](t *testing.T, v *T, secrets Secrets) {
	t.Helper()
	texts := secrets.Texts()
	if len(texts) == 0 {
		t.Fatal("there is no secret to look for")
	}
	name := reflect.TypeFor[T]().String()
	for _, verb := range Verbs {
		for _, x := range []any{*v, v} {
			if got := fmt.Sprintf(verb, x); got != name {
				t.Errorf("%s of %T prints %.100q, want %q", verb, x, got, name)
			}
		}
		holder := outer[T]{"outer", *v, []T{*v}, map[string]T{"key": *v}, *v}
		pointers := outer[*T]{"outer", v, []*T{v}, map[string]*T{"key": v}, v}
		for _, x := range []any{
			holder, &holder, pointers, &pointers, []T{*v}, []*T{v}, [1]T{*v}, map[string]T{"key": *v}, map[string]*T{"key": v},
			struct{ V T }{*v}, struct{ V *T }{v}, struct{ V any }{*v}, &v, []any{v, *v},
		} {
			silent(t, fmt.Sprintf("%s of %T", verb, x), fmt.Sprintf(verb, x), texts)
		}
	}
	// Package fmt asks no methods for %w outside of errors.
	for _, verb := range []string{"%w", "%+w"} {
		for _, x := range []any{*v, v, outer[T]{in: *v}, &outer[*T]{in: v}} {
			silent(t, fmt.Sprintf("%s of %T", verb, x), fmt.Sprintf(verb, x), texts)
		}
	}
	logged(t, v, name, texts)
	marshaled(t, v, texts)
}

func silent(t *testing.T, what, text string, texts []string) {
	t.Helper()
	for _, s := range texts {
		if strings.Contains(text, s) {
			t.Errorf("%s shows a secret: %q", what, s)
			return
		}
	}
}

// logged logs v by both handlers of package slog.
func logged[T any](t *testing.T, v *T, name string, texts []string) {
	t.Helper()
	var b bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&b, nil), slog.NewJSONHandler(&b, nil)} {
		for _, x := range []any{*v, v, []T{*v}, outer[T]{in: *v}, &outer[*T]{in: v}} {
			b.Reset()
			slog.New(h).Info("message", "client", x)
			silent(t, fmt.Sprintf("%T logging %T", h, x), b.String(), texts)
		}
		b.Reset()
		slog.New(h).Info("message", "client", *v)
		if !strings.Contains(b.String(), name) {
			t.Errorf("%T logs %q, want %q in it", h, b.String(), name)
		}
	}
}

// marshaled wants every encoding to refuse v.
func marshaled[T any](t *testing.T, v *T, texts []string) {
	t.Helper()
	for _, x := range []any{*v, v, []T{*v}, map[string]*T{"key": v}, struct{ V T }{*v}} {
		b, err := json.Marshal(x)
		if !errors.Is(err, guard.ErrHidden) {
			t.Errorf("encoding/json of %T: %v", x, err)
		}
		silent(t, fmt.Sprintf("encoding/json of %T", x), string(b), texts)
	}
	for _, x := range []any{*v, v, struct{ V *T }{v}} {
		var b bytes.Buffer
		if err := gob.NewEncoder(&b).Encode(x); !errors.Is(err, guard.ErrHidden) {
			t.Errorf("encoding/gob of %T: %v", x, err)
		}
	}
	for _, x := range []any{*v, v} {
		if b, err := x.(encoding.TextMarshaler).MarshalText(); b != nil || !errors.Is(err, guard.ErrHidden) {
			t.Errorf("text of %T: %q, %v", x, b, err)
		}
		if b, err := x.(encoding.BinaryMarshaler).MarshalBinary(); b != nil || !errors.Is(err, guard.ErrHidden) {
			t.Errorf("bytes of %T: %q, %v", x, b, err)
		}
	}
}
