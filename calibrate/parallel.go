package calibrate

import (
	"runtime"
	"sync"
)

// split calls f for the parts of 0..n-1, one a core, and returns the error of the
// first part that has one. Parts do not depend on each other, so that the number
// of cores changes no result.
func split(n int, f func(from, to int) error) error {
	parts := min(n, runtime.GOMAXPROCS(0))
	if parts < 2 {
		return f(0, n)
	}
	errs := make([]error, parts)
	var wg sync.WaitGroup
	for k := range parts {
		wg.Go(func() { errs[k] = f(k*n/parts, (k+1)*n/parts) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
