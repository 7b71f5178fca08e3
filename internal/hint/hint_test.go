package hint

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
)

// Advice is found behind other errors, the outermost first, and changes neither the
// text nor what the error is.
func TestOf(t *testing.T) {
	inner := With(fmt.Errorf("no folder: %w", fs.ErrNotExist), "make one")
	outer := With(fmt.Errorf("run: %w", inner), "give --out")
	for _, c := range []struct {
		err  error
		want string
	}{{nil, ""}, {fs.ErrNotExist, ""}, {With(nil, "nothing"), ""}, {inner, "make one"}, {outer, "give --out"}, {errors.Join(fs.ErrClosed, inner), "make one"}} {
		if got := Of(c.err); got != c.want {
			t.Errorf("%v: advice %q, want %q", c.err, got, c.want)
		}
	}
	if With(nil, "nothing") != nil {
		t.Error("no error with advice is an error")
	}
	if !errors.Is(outer, fs.ErrNotExist) || outer.Error() != "run: no folder: file does not exist" {
		t.Errorf("the error became %q", outer)
	}
}
