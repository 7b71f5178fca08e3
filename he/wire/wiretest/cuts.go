package wiretest

import (
	"math/rand/v2"
	"runtime"
)

// everyCut is the size up to which an object is cut at every byte.
const everyCut = 8 << 10

// cuts are lengths below size: all of them, or all of the header's, some around the
// ends, and some anywhere.
func cuts(rng *rand.Rand, head, size int) (all []int) {
	for n := range min(size, max(head+2, everyCut)) {
		if size <= everyCut || n < head+2 {
			all = append(all, n)
		}
	}
	if size > everyCut {
		all = append(all, head+5, size/2, size-33, size-32, size-1)
		for range 40 {
			all = append(all, rng.IntN(size))
		}
	}
	return all
}

// spare is the memory that reading may take besides a multiple of what arrived:
// chunks, hashes, and what a client makes of its half first.
const spare = 1 << 20

// allocated is the bytes that f allocates, and whatever runs beside it.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}
