package parallel

// Alternate calls first and then second for groups 0..n-1, each function in order and from
// one goroutine at a time, the second of a group beside the first of the next: a group's
// memory is that of its number modulo 2. It returns the first error once neither runs.
func Alternate(n int, first, second func(group int) error) error {
	behind := make(chan error, 1)
	behind <- nil
	for g := range n {
		err := first(g)
		if e := <-behind; err == nil {
			err = e
		}
		if err != nil {
			return err
		}
		go func() { behind <- second(g) }()
	}
	return <-behind
}
