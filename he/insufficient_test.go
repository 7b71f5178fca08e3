package he_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"qtool/he"
)

// The error names back end, layer and limit, and is found by what callers branch on.
func TestInsufficientError(t *testing.T) {
	bare := he.Insufficient("tfhe", "", "a table of %d entries, the limit is %d", 9, 8)
	for want, err := range map[string]error{
		`bgv: layer "fc": 3 bits: parameters are insufficient`:                                 he.Insufficient("bgv", "fc", "%d bits", 3),
		`tfhe: a table of 9 entries, the limit is 8: parameters are insufficient`:              bare,
		`tfhe: layer "act": a table of 9 entries, the limit is 8: parameters are insufficient`: he.AtLayer(bare, "tfhe", "act"),
		`tfhe: layer "act": file does not exist: parameters are insufficient`:                  &he.InsufficientError{Backend: "tfhe", Layer: "act", Cause: fs.ErrNotExist},
		`tfhe: layer "b": tfhe: layer "a": 1: parameters are insufficient`:                     he.AtLayer(he.Insufficient("tfhe", "a", "1"), "tfhe", "b"),
	} {
		wrapped := fmt.Errorf("planning: %w", err)
		var typed *he.InsufficientError
		if err.Error() != want || !errors.Is(wrapped, he.ErrInsufficient) || !errors.As(wrapped, &typed) {
			t.Errorf("%q, want %q", err, want)
		}
		if errors.Is(err, fs.ErrNotExist) != (typed.Cause != nil) {
			t.Errorf("%q: the cause is not found", err)
		}
	}
	if err := he.AtLayer(fs.ErrNotExist, "bgv", "fc"); errors.Is(err, he.ErrInsufficient) || !errors.Is(err, fs.ErrNotExist) || err.Error() != `bgv: layer "fc": file does not exist` {
		t.Errorf("another error: %v", err)
	}
}
