package document

import (
	"fmt"
	"strings"
)

// Error is a value that is not what is wanted.
type Error struct {
	Node    *Node  // where; nil for nowhere
	Path    string // of keys, names and indices, with dots between; "" for the whole
	Message string
}

func (e *Error) Error() string {
	var b strings.Builder
	if n := e.Node; n != nil && n.Set != "" {
		fmt.Fprintf(&b, "override %q: ", n.Set)
	} else if n != nil && n.Line > 0 {
		fmt.Fprintf(&b, "[%d:%d] ", n.Line, n.Column)
	}
	if e.Path != "" {
		b.WriteString(e.Path + ": ")
	}
	return b.String() + e.Message
}

// longest is how much of a value an error shows.
const longest = 40

// describe is n in words.
func (n *Node) describe() string {
	switch {
	case n.Kind == Mapping:
		return "a section (keys with values)"
	case n.Kind == List:
		return fmt.Sprintf("a list of %d", len(n.Items))
	case n.Empty():
		return "empty"
	case n.Null():
		return n.Text + " (nothing)"
	}
	text := n.Text
	if cut := []rune(text); len(cut) > longest {
		text = string(cut[:longest]) + "..."
	}
	if n.Quoted {
		return fmt.Sprintf("%q (a text)", text)
	}
	return fmt.Sprintf("%q", text)
}

// Unknown is the error of a key that is none of those known.
func Unknown(key string, known []string) error {
	near := closest(key, known)
	if near != "" {
		near = ": did you mean " + near + "?"
	}
	return fmt.Errorf("no key %q: want one of %s%s", key, strings.Join(known, ", "), near)
}

// closest is the known name nearest to one that is not known, "" for none: the
// same but for case, dashes and blanks, or with at most two letters wrong, a third
// of them at most.
func closest(name string, known []string) string {
	plain := func(s string) string {
		return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
	}
	best, least := "", 3
	for _, k := range known {
		if plain(k) == plain(name) {
			return k
		}
		if d := distance(plain(name), plain(k)); d < least && 3*d <= len(k) {
			best, least = k, d
		}
	}
	return best
}

// distance is how many letters must be added, removed, changed, or swapped with
// their neighbour to make b of a.
func distance(a, b string) int {
	if len(a) > longest || len(b) > longest {
		return longest
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		for j := range rows[i] {
			switch {
			case i == 0:
				rows[i][j] = j
			case j == 0:
				rows[i][j] = i
			default:
				cost := 1
				if a[i-1] == b[j-1] {
					cost = 0
				}
				d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
				if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
					d = min(d, rows[i-2][j-2]+1)
				}
				rows[i][j] = d
			}
		}
	}
	return rows[len(a)][len(b)]
}
