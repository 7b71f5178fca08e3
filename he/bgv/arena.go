package bgv

// newWords allocates memory for ciphertexts: gigabytes that are touched once a
// batch. Where the system can, it comes in huge pages, as the first touch of
// small ones takes longer than the arithmetic on them.
func newWords(n int) []uint64 {
	words := make([]uint64, n)
	hugePages(words)
	return words
}
