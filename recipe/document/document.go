// Package document reads a YAML document as a tree in which every value knows its
// place, and decodes such a tree strictly.
//
// The YAML library is asked for the structure alone: what a scalar means follows
// from the type that is wanted, so that nothing is read differently from what was
// meant. The text no is a text where a text is wanted and an error, not false,
// where a truth value is; 010 is an error where a number is wanted.
package document

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"

	"qtool/internal/plaintext"
)

// Kind is what a node is.
type Kind uint8

// Kinds of nodes.
const (
	Scalar Kind = iota
	Mapping
	List
)

// Node is a value of a document.
type Node struct {
	Kind         Kind
	Line, Column int    // from 1; 0 where the value is from no file
	Set          string // the override "key=value" that the value is from, if it is
	Text         string // of a scalar
	Quoted       bool   // the scalar is a text whatever it looks like
	Entries      []*Entry
	Items        []*Node
}

// Entry is a key of a mapping and its value.
type Entry struct {
	Key   string
	Place *Node // of the key: Line, Column and Set alone
	Value *Node
}

// Get is the entry of a mapping with the given key, nil for none.
func (n *Node) Get(key string) *Entry {
	for _, e := range n.Entries {
		if e.Key == key {
			return e
		}
	}
	return nil
}

// Empty reports whether n is a scalar with nothing in it.
func (n *Node) Empty() bool { return n.Kind == Scalar && !n.Quoted && n.Text == "" }

// Move gives n and all below it a new place: an override, or with "" none.
func (n *Node) Move(set string) {
	n.Line, n.Column, n.Set = 0, 0, set
	for _, e := range n.Entries {
		e.Place.Line, e.Place.Column, e.Place.Set = 0, 0, set
		e.Value.Move(set)
	}
	for _, item := range n.Items {
		item.Move(set)
	}
}

// Null reports whether n is empty or says null.
func (n *Node) Null() bool {
	if n.Kind != Scalar || n.Quoted {
		return false
	}
	switch n.Text {
	case "", "~", "null", "Null", "NULL":
		return true
	}
	return false
}

// Limits of a document.
const (
	maxNodes = 100_000 // with aliases and merged keys written out
	maxDepth = 50
)

// ErrEmpty marks a document with nothing in it.
var ErrEmpty = errors.New("it is empty")

// Parse reads a text with one YAML document whose top is a mapping. A byte order
// mark and CRLF are accepted. Merge keys are merged as in YAML 1.1: a key that
// stands in the mapping itself wins over one that is merged, and of several merged
// mappings an earlier one over a later one. A key that stands twice is an error.
// Errors begin with the place, [line:column], where there is one.
//
// Reference: https://yaml.org/type/merge.html
func Parse(b []byte) (*Node, error) {
	n, err := parse(b)
	if err != nil {
		return nil, err
	}
	if n.Kind != Mapping {
		return nil, &Error{Node: n, Message: fmt.Sprintf("the document is %s: want keys with values, as in name: mine", n.describe())}
	}
	return n, nil
}

// ParseValue reads one YAML value, as of an override.
func ParseValue(text string) (*Node, error) {
	n, err := parse([]byte(text))
	if errors.Is(err, ErrEmpty) {
		return &Node{}, nil
	}
	if err == nil && n.Kind == Scalar && !n.Quoted && strings.ContainsAny(n.Text, "\n") {
		err = errors.New("it has several lines: quote it")
	}
	return n, err
}

func parse(b []byte) (_ *Node, err error) {
	if b, err = plaintext.UTF8(b); err != nil {
		return nil, err
	}
	defer func() { // no panic of the library reaches the caller
		if p := recover(); p != nil {
			err = fmt.Errorf("it is not YAML: %v", p)
		}
	}()
	d := yaml.NewDecoder(strings.NewReader(string(b)))
	var y, more yaml.Node
	if err := d.Decode(&y); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, ErrEmpty
		}
		return nil, syntax(b, err)
	}
	switch err := d.Decode(&more); {
	case err == nil:
		return nil, &Error{Node: &Node{Line: more.Line, Column: more.Column}, Message: several}
	case !errors.Is(err, io.EOF):
		return nil, syntax(b, err)
	}
	if len(y.Content) != 1 {
		return nil, ErrEmpty
	}
	r := reader{open: map[*yaml.Node]bool{}}
	n, err := r.node(y.Content[0], 0)
	if err != nil {
		return nil, err
	}
	if n.Empty() {
		return nil, ErrEmpty
	}
	return n, nil
}

var numbered = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

// syntax is the library's error for b with its line in our form, and with what is
// usually meant by it. The library leaves the line out where it is the first.
func syntax(b []byte, err error) error {
	text := err.Error()
	m := numbered.FindStringSubmatch(text)
	text = strings.TrimPrefix(text, m[0])
	line, _ := strconv.Atoi(m[1])
	if line == 0 && !strings.Contains(text, "unknown anchor") {
		line = 1
	}
	var at string
	if all := strings.Split(string(b), "\n"); line > 0 && line <= len(all) {
		at = all[line-1]
	}
	hint := ""
	switch indent := at[:len(at)-len(strings.TrimLeft(at, " \t"))]; {
	case strings.Contains(indent, "\t"):
		text, hint = "a tab stands in the indentation", "indent with blanks"
	case strings.Contains(text, "cannot start any token"):
		text, hint = "a text begins with a character that YAML keeps for itself", "quote the text"
	case strings.Contains(text, "mapping values are not allowed"):
		text, hint = "a colon where no key can stand", "quote a text with a colon, and check the indentation"
	case strings.Contains(text, "could not find expected ':'"):
		text, hint = "a key without a colon and a blank", "write key: value"
	case strings.Contains(text, "<document start>"):
		return fmt.Errorf("[%d] %s", line, several)
	case strings.Contains(text, "unknown anchor"):
		hint = "an anchor &name must stand before *name"
	}
	text = "it is not YAML: " + text
	if hint != "" {
		text += ": " + hint
	}
	if line > 0 {
		text = fmt.Sprintf("[%d] %s", line, text)
	}
	return errors.New(text)
}

const several = "more than one YAML document: want one"
