package promptly

import (
	"context"
	"errors"
	"testing"
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
