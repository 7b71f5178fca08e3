package runlog

import (
	"fmt"
	"slices"
	"strings"
)

// Field is one thing that the records of a log depend on.
type Field struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Identity is everything that the records of a log depend on, and nothing else: with the
// same identity they may be used in the place of new ones.
type Identity []Field

// DifferentError says in which fields a log is of something else.
type DifferentError struct {
	// Keys are the fields that differ, in order; There and Here are the first one's
	// values in the log and in what is to go on with it.
	Keys        []string
	There, Here string
}

func (e *DifferentError) Error() string {
	s := fmt.Sprintf("cannot go on: %s there is %s, here it is %s", e.Keys[0], short(e.There), short(e.Here))
	if more := e.Keys[1:]; len(more) > 0 {
		s += "; " + strings.Join(more, ", ") + " differ too"
	}
	return s
}

// shown is how many bytes of a value are shown.
const shown = 80

func short(value string) string {
	switch {
	case value == "":
		return "not known"
	case len(value) > shown:
		return strings.ToValidUTF8(value[:shown], "") + "..."
	}
	return value
}

// same compares what a log belongs to with what is wanted; a field that one of them
// lacks differs.
func (id Identity) same(want Identity) error {
	var d DifferentError
	differ := func(f Field, there, here string) {
		if d.Keys == nil {
			d.There, d.Here = there, here
		}
		d.Keys = append(d.Keys, f.Key)
	}
	for _, f := range want {
		if there := id.value(f.Key); there != f.Value {
			differ(f, there, f.Value)
		}
	}
	for _, f := range id {
		if !slices.ContainsFunc(want, func(w Field) bool { return w.Key == f.Key }) {
			differ(f, f.Value, "")
		}
	}
	if d.Keys == nil {
		return nil
	}
	return &d
}

func (id Identity) value(key string) string {
	for _, f := range id {
		if f.Key == key {
			return f.Value
		}
	}
	return ""
}
