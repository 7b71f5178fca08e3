package he

import "fmt"

// InSamples says in which samples an executor failed: n of them, from number from on, of
// all. It is err itself where they are all that was asked for.
func InSamples(err error, from, n, all int) error {
	switch {
	case n == all:
		return err
	case n == 1:
		return fmt.Errorf("sample %d: %w", from, err)
	}
	return fmt.Errorf("batch of samples %d to %d: %w", from, from+n-1, err)
}
