package gate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	"qtool/internal/plaintext"
	"qtool/internal/strict"
	"qtool/internal/whole"
	"qtool/verify"
)

// MaxBytes caps both files: a report of a million images has about 13 MB.
const MaxBytes = 64 << 20

// ReadBaseline reads and checks a baseline file.
func ReadBaseline(path string) (*Baseline, error) {
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	b, err := DecodeBaseline(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return b, nil
}

// DecodeBaseline reads a baseline strictly: an unknown or repeated key, another
// schema, a list of another length, or an accuracy that the predictions do not
// give is an error, which wraps ErrVersion for another schema.
func DecodeBaseline(raw []byte) (*Baseline, error) {
	raw, err := plaintext.UTF8(raw)
	if err != nil {
		return nil, fmt.Errorf("gate: baseline: %w", err)
	}
	if err := checkDocument("baseline", raw, Schema); err != nil {
		return nil, err
	}
	b := new(Baseline)
	if err := strict.JSON(raw, b); err != nil {
		return nil, fmt.Errorf("gate: baseline: %w", err)
	}
	if err := b.validate(); err != nil {
		return nil, fmt.Errorf("gate: baseline: %w", err)
	}
	return b, nil
}

// ReadReport reads a report.json.
func ReadReport(path string) (*verify.Report, error) {
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	r, err := DecodeReport(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}

// required are the keys whose zero value would read as good news.
var required = []string{
	"recipe", "dataset", "dataset_sha256", "images", "test_images", "accuracy", "logit_mismatches",
	"argmax_flips", "seconds", "bytes.bundle", "bytes.ciphertext_in", "bytes.ciphertext_out", "bytes.keys",
	"layers", "answers",
}

// has reports whether an object has a value other than null at a dotted path.
func has(object json.RawMessage, path string) bool {
	for key := range strings.SplitSeq(path, ".") {
		var keys map[string]json.RawMessage
		if json.Unmarshal(object, &keys) != nil {
			return false
		}
		object = keys[key]
	}
	return object != nil && string(object) != "null"
}

// DecodeReport reads a report. Keys that it does not know are allowed, since a
// schema may gain some; a missing or repeated key is an error, and so is another
// schema, which wraps ErrVersion.
func DecodeReport(raw []byte) (*verify.Report, error) {
	raw, err := plaintext.UTF8(raw)
	if err != nil {
		return nil, fmt.Errorf("gate: report: %w", err)
	}
	if err := checkDocument("report", raw, verify.ReportSchema); err != nil {
		return nil, err
	}
	for _, path := range required {
		if !has(raw, path) {
			return nil, fmt.Errorf("gate: report: key %q is missing", path)
		}
	}
	r := new(verify.Report)
	if err := json.Unmarshal(raw, r); err != nil {
		return nil, fmt.Errorf("gate: report: %w", err)
	}
	for i, l := range r.Layers {
		if l.Range.Lo == nil {
			return nil, fmt.Errorf("gate: report: layer %d (%q) has no range", i, l.Name)
		}
	}
	return r, nil
}

// readFile reads at most MaxBytes; "-" is standard input.
func readFile(path string) ([]byte, error) {
	if path != "-" {
		return whole.Bytes(path, MaxBytes)
	}
	raw, err := io.ReadAll(io.LimitReader(os.Stdin, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxBytes {
		return nil, fmt.Errorf("standard input is larger than %d bytes", MaxBytes)
	}
	return raw, nil
}

// checkDocument wants one JSON object, of the given schema, in which no key
// stands twice.
func checkDocument(what string, raw []byte, schema int) error {
	if len(raw) > MaxBytes {
		return fmt.Errorf("gate: %s: %d bytes pass the limit of %d", what, len(raw), MaxBytes)
	}
	var head struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return fmt.Errorf("gate: %s: %w", what, err)
	}
	if head.Schema == nil {
		return fmt.Errorf("gate: %s: key \"schema\" is missing", what)
	}
	if *head.Schema != schema {
		return fmt.Errorf("gate: %s: %w: schema %d, this version reads %d", what, ErrVersion, *head.Schema, schema)
	}
	if err := checkKeys(raw); err != nil {
		return fmt.Errorf("gate: %s: %w", what, err)
	}
	return nil
}

// checkKeys refuses an object that has a key twice, under the case folding of
// package json, which would take the last where a reviewer may have read the
// first.
func checkKeys(raw []byte) error {
	type level struct {
		seen map[string]bool // nil in an array
		key  bool            // the next token is a key
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var stack []level
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		top := len(stack) - 1
		switch t := token.(type) {
		case json.Delim:
			switch t {
			case '{':
				stack = append(stack, level{map[string]bool{}, true})
				continue
			case '[':
				stack = append(stack, level{})
				continue
			}
			stack = stack[:top]
			top--
		case string:
			if top >= 0 && stack[top].key {
				k := fold(t)
				if stack[top].seen[k] {
					return fmt.Errorf("key %q stands twice in one object", t)
				}
				stack[top].seen[k], stack[top].key = true, false
				continue
			}
		}
		// A value has ended: the object that holds it goes on with a key.
		if top >= 0 {
			stack[top].key = stack[top].seen != nil
		}
	}
}

// fold maps a key to one spelling of all that package json takes for the same:
// the smallest rune of each rune's simple folding orbit.
func fold(key string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, key)
}
