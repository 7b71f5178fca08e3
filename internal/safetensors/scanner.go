package safetensors

import (
	"bytes"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// A scanner reads the pieces of a header, which has no white space. It keeps the
// first error; after it the methods do nothing and return zero values.
type scanner struct {
	b   []byte
	pos int
	err error
}

// fail keeps err if it is the first.
func (s *scanner) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// failf is fail with a formatted error.
func (s *scanner) failf(format string, args ...any) {
	s.fail(fmt.Errorf(format, args...))
}

// want fails because what does not stand at pos.
func (s *scanner) want(what string, pos int) {
	s.failf("header byte %d: want %s", pos, what)
}

// accept reads c if it is next and reports whether it was.
func (s *scanner) accept(c byte) bool {
	if s.err == nil && s.pos < len(s.b) && s.b[s.pos] == c {
		s.pos++
		return true
	}
	return false
}

// expect reads literal.
func (s *scanner) expect(literal string) {
	if s.err != nil {
		return
	}
	if !bytes.HasPrefix(s.b[s.pos:], []byte(literal)) {
		s.want(literal, s.pos)
		return
	}
	s.pos += len(literal)
}

// list reads an opening bracket, items separated by commas, and the closing one.
func (s *scanner) list(open, close byte, item func()) {
	s.expect(string(rune(open)))
	if s.err != nil || s.accept(close) {
		return
	}
	item()
	for s.accept(',') {
		item()
	}
	s.expect(string(rune(close)))
}

// ints reads an array of at most limit integers that fit an int and are at least 0.
func (s *scanner) ints(limit int) []int {
	v := []int{}
	s.list('[', ']', func() {
		start := s.pos
		for s.pos < len(s.b) && '0' <= s.b[s.pos] && s.b[s.pos] <= '9' {
			s.pos++
		}
		n, err := strconv.Atoi(string(s.b[start:s.pos]))
		if len(v) == limit {
			s.want(fmt.Sprintf("at most %d integers", limit), start)
			return
		}
		if err != nil {
			s.want("an integer >= 0 that fits an int", start)
			return
		}
		v = append(v, n)
	})
	return v
}

// text reads a string.
func (s *scanner) text() string {
	s.expect(`"`)
	start := s.pos
	var out []byte
	for s.err == nil && !s.accept('"') {
		switch {
		case s.pos == len(s.b):
			s.want(`the closing "`, s.pos)
		case s.accept('\\'):
			out = append(out, s.escape())
		default:
			out = append(out, s.b[s.pos])
			s.pos++
		}
	}
	if !utf8.Valid(out) {
		s.want("UTF-8", start)
	}
	if s.err != nil {
		return ""
	}
	return string(out)
}

// escape reads what follows a backslash, as appendText could have written it,
// and returns the byte it stands for.
func (s *scanner) escape() byte {
	for c, letter := range shortEscapes {
		if s.accept(letter) {
			return c
		}
	}
	if rest := s.b[s.pos:]; len(rest) >= 5 && string(rest[:3]) == "u00" {
		if c, err := strconv.ParseUint(string(rest[3:5]), 16, 8); err == nil {
			s.pos += 5
			return byte(c)
		}
	}
	s.want("an escape of the canonical encoding", s.pos)
	return 0
}
