package lower

// limbs are how many limbs ciphertexts have in front of every segment's map, and fresh ones.
// A segment takes one prime for its map, but a last one with nothing behind it, and one
// more for its activation. Each stands as low as what reads it allows, so that what
// waits for a join is computed on the fewest limbs, and base is how many limbs the outputs have:
//
//	entry(i) = primes(i) + max(base if i is the last, entry(r) of all readers r of i)
func limbs(segments []Segment, base int) (entry []int, fresh int) {
	entry = make([]int, len(segments))
	exit := make([]int, len(segments))
	for i := len(segments) - 1; i >= 0; i-- {
		s := &segments[i]
		entry[i] = max(base, exit[i]) + rescales(segments, i)
		if s.multiplies() {
			entry[i]++
		}
		for _, source := range s.Sources {
			if source == Input {
				fresh = max(fresh, entry[i])
			} else {
				exit[source] = max(exit[source], entry[i])
			}
		}
	}
	return entry, fresh
}

// rescales is the primes that the map of segment i takes.
func rescales(segments []Segment, i int) int {
	if i == len(segments)-1 && !segments[i].multiplies() {
		return 0
	}
	return 1
}

// Rescales is the primes that a program of these segments takes.
func Rescales(segments []Segment) int {
	_, fresh := limbs(segments, 0)
	return fresh
}

// lastReaders are the last segments that read each; its own number for the output.
func lastReaders(segments []Segment) []int {
	last := make([]int, len(segments))
	for i := range segments {
		last[i] = i
		for _, source := range segments[i].Sources {
			if source != Input {
				last[source] = i
			}
		}
	}
	return last
}
