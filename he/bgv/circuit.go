package bgv

import (
	"qtool/bundle"
	"qtool/he/internal/parts"
)

// circuit is a program as it is evaluated: stages on buffers, in segments with a
// rescale between each two. All buffers that a later segment reads are rescaled
// together, so that whatever a stage reads has one modulus.
type circuit struct {
	segments []segment
	buffers  []buffer // the first is the program's input
	output   int      // the buffer of the outputs
	slots    int      // how many tensors hold the buffers between segments
}

// buffer is the ciphertexts that one stage makes.
type buffer struct {
	elements, degree int
	// power is the exponent k of the plaintexts' scale s^k in the segment that makes
	// the buffer, where s is the scale that the segment begins with. In later segments
	// it is 1: see segment.kept.
	power int
	made  int // segment
	// last is the last segment that reads the buffer; the number of segments for the
	// output.
	last int
	slot int // of the tensor that holds the buffer, or noTile
	tile int // of a worker that holds a tile of it within a segment, or noTile
}

const (
	inputBuffer = 0
	noTile      = -1
)

// words of a tile.
func (b *buffer) words() int { return b.elements * (b.degree + 1) * block }

// polynomials of all elements.
func (b *buffer) polynomials() int { return b.elements * (b.degree + 1) }

// crosses reports whether a later segment reads the buffer, or the client.
func (b *buffer) crosses() bool { return b.last > b.made }

// segment is what happens between two rescales.
type segment struct {
	stages []stage
	// kept are the buffers that are read behind the segment. All leave it with the
	// scale s^power, where s is the scale it begins with.
	kept  []kept
	power int
}

// kept is a buffer whose plaintexts are multiplied by s^lift modulo the plaintext prime
// before the rescale, so that its scale s^(power-lift) becomes s^power. The noise of the
// factor, up to half the prime, is divided by the rescale; see noise.lift.
type kept struct{ buffer, lift int }

// polynomials is how many polynomials are rescaled after segment i.
func (c *circuit) polynomials(i int) int {
	sum := 0
	for _, k := range c.segments[i].kept {
		sum += c.buffers[k.buffer].polynomials()
	}
	return sum
}

// inputs is the number of ciphertexts that the client sends a prime.
func (c *circuit) inputs() int { return c.buffers[inputBuffer].elements }

// out is the buffer of the outputs.
func (c *circuit) out() *buffer { return &c.buffers[c.output] }

// power is the exponent of the scale of buffer b in segment i.
func (c *circuit) power(b, i int) int {
	if c.buffers[b].made == i {
		return c.buffers[b].power
	}
	return 1
}

// source is what a stage reads: parts of buffers, one behind the other, as ciphertexts
// of the largest degree and the largest power among them. Missing polynomials are 0.
type source struct {
	parts                   parts.List
	lifts                   []int // of each part: the exponent of the factor s^lift that brings it to power
	elements, degree, power int
}

// source is the parts as segment i reads them.
func (c *circuit) source(i int, l parts.List) source {
	s := source{parts: l, elements: l.Len()}
	for _, p := range l {
		s.degree = max(s.degree, c.buffers[p.Buffer].degree)
		s.power = max(s.power, c.power(p.Buffer, i))
	}
	for _, p := range l {
		s.lifts = append(s.lifts, s.power-c.power(p.Buffer, i))
	}
	return s
}

// stage is the unit of evaluation on a tile: a linear map, a polynomial on each of its
// outputs, and a sum over windows of those, each of which may be absent; or a product.
// They run fused, one output at a time, so that the tensors in between never exist.
type stage struct {
	from source
	by   *source // the other factor of a product, or nil
	to   int     // buffer

	rows *bundle.Rows       // nil: identity
	poly *bundle.Polynomial // nil: identity
	pool *bundle.Rows       // nil: identity; all weights 1, no input in two windows
	node struct{ rows, poly, pool int }

	inputs, between, outputs int // elements: in, after rows, out
	// channels is how many equal parts the outputs come in, and group how many of
	// these, one behind the other, read the same inputs at the same places.
	channels, group     int
	inDegree, outDegree int         // of the ciphertexts
	norm                float64     // sum of rows' magnitudes
	norms, poolNorms    parts.Norms // of rows and pool
}
