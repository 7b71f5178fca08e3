package promptly

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// A result is passed on; a context that ends does not wait for it.
func TestPromptly(t *testing.T) {
	fault := errors.New("fault")
	if v, err := Do(t.Context(), func() (int, error) { return 3, fault }); v != 3 || err != fault {
		t.Errorf("%d, %v", v, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	never := make(chan int)
	defer close(never)
	v, err := Do(ctx, func() (int, error) {
		stop()
		return <-never, nil
	})
	if v != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d, %v", v, err)
	}
}

// A reader gives what there is, its error behind that, and ctx's error without waiting.
func TestReader(t *testing.T) {
	text := strings.Repeat("0123456789", 20000)
	fault := errors.New("fault")
	for _, r := range []io.Reader{strings.NewReader(text), iotest.DataErrReader(strings.NewReader(text)), iotest.HalfReader(strings.NewReader(text))} {
		if b, err := io.ReadAll(Reader(t.Context(), r)); string(b) != text || err != nil {
			t.Errorf("%d bytes, %v", len(b), err)
		}
	}
	if b, err := io.ReadAll(Reader(t.Context(), io.MultiReader(strings.NewReader("ab"), iotest.ErrReader(fault)))); string(b) != "ab" || err != fault {
		t.Errorf("%q, %v", b, err)
	}
	ctx, stop := context.WithCancel(t.Context())
	in, out := io.Pipe()
	defer out.Close()
	r := Reader(ctx, in)
	go func() {
		out.Write([]byte("x"))
		stop()
	}()
	if b, err := io.ReadAll(r); len(b) > 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
