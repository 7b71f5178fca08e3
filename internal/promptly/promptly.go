// Package promptly lets a command end although what it waits for cannot be told to.
package promptly

import "context"

// Do returns what f does, or ctx's error as soon as that is done: the command then
// ends, whatever stretch of work f is in. f must write nothing that outlives the process.
func Do[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type outcome struct {
		v   T
		err error
	}
	c := make(chan outcome, 1)
	go func() {
		v, err := f()
		c <- outcome{v, err}
	}()
	select {
	case o := <-c:
		return o.v, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
