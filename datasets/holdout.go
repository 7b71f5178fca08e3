package datasets

import "fmt"

// Holdout shuffles s with seed and splits it: val gets n images, train the
// other Len-n. Both are copies. The result depends on s, n and seed only; for
// one seed the val of a smaller n is the start of the val of a larger n.
// It fails if n is negative or leaves no training image.
func (s *Split) Holdout(n int, seed uint64) (train, val *Split, err error) {
	if n < 0 || n >= s.Len() {
		return nil, nil, fmt.Errorf("datasets: holdout of %d samples is not in [0, %d]: %d samples, at least one left to train on",
			n, s.Len()-1, s.Len())
	}
	order := newSource(seed, streamHoldout).permutation(s.Len())
	return s.Subset(order[n:]), s.Subset(order[:n]), nil
}
