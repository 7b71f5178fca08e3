package bgv

// level is the number of primes of segment i.
func (l *layout) level(i int) int {
	level := len(l.q)
	for _, n := range l.drops[:i] {
		level -= n
	}
	return level
}

// slots are the words of each tensor that holds a limb of buffers that wait between
// segments: those that wait at different times share one.
func (l *layout) slots(c *circuit) []int {
	words := make([]int, c.slots)
	for i := range c.buffers[1:] {
		if b := &c.buffers[1+i]; b.slot != noTile {
			words[b.slot] = max(words[b.slot], b.polynomials()<<l.logN)
		}
	}
	return words
}

// bytes is the most that the ciphertexts and plaintexts of a batch take at once, for
// client and server together:
//
//	plaintexts and errors of the inputs, for one plaintext prime    2
//	the limb of the inputs that is at work                          2
//	the limb of each buffer that waits between segments             d+1
//	digits, of each buffer a rescale is behind                      (d+1) dropped primes
//	outputs                                                         (d+1) primes of the outputs
//
// polynomials of N words for each element of degree d. What each worker has of its own is
// not in it, nor are the decrypted residues: it is the same on every machine.
func (l *layout) bytes(c *circuit) float64 {
	polynomials := 2*c.inputs() + c.buffers[inputBuffer].polynomials()
	for i, n := range l.drops {
		polynomials += n * c.polynomials(i)
	}
	polynomials += l.outLevel() * c.out().polynomials()
	words := polynomials << l.logN
	for _, n := range l.slots(c) {
		words += n
	}
	return float64(8 * words)
}
