package mod

import (
	"fmt"

	"qtool/kernel/cpu"
)

// Weights are some rows of a linear map that read the same inputs, prepared for
// one modulus: small integers, a row an output, a column an input.
type Weights struct {
	m      *Modulus
	taps   int
	blocks []weightBlock
}

// weightBlock is the rows that a kernel does at once.
type weightBlock struct {
	first, rows int
	kernel      cpu.Level
	w           []int64  // [tap][row]; for IFMA with lift added
	quarters    []uint32 // instead of w, [pair of taps][row]
	lift        uint64
	start       []uint64 // multiples of q that keep sums positive
	sparse      []sparseRow
}

// Weights prepares rows of the same length.
func (m *Modulus) Weights(rows [][]int32) *Weights {
	w := &Weights{m: m}
	if len(rows) > 0 {
		w.taps = len(rows[0])
	}
	for _, r := range rows {
		same(w.taps, len(r))
	}
	for first := 0; first < len(rows); {
		n := 1
		for _, size := range []int{2, 4, 8} {
			if first+size <= len(rows) && (size < 8 || m.level >= cpu.AVX512) {
				n = size
			}
		}
		w.blocks = append(w.blocks, m.block(first, rows[first:first+n]))
		first += n
	}
	return w
}

// Rows is the number of rows.
func (w *Weights) Rows() int {
	if len(w.blocks) == 0 {
		return 0
	}
	last := w.blocks[len(w.blocks)-1]
	return last.first + last.rows
}

// block chooses the fastest kernel whose sums are exact.
func (m *Modulus) block(first int, rows [][]int32) weightBlock {
	b := weightBlock{first: first, rows: len(rows), start: make([]uint64, len(rows))}
	taps := len(rows[0])
	var smallest, largest int64
	for _, row := range rows {
		for _, w := range row {
			smallest, largest = min(smallest, int64(w)), max(largest, int64(w))
		}
	}
	lift := -smallest
	budget := m.barrett - 1 // sums below q (budget + 1) <= 2^64 are exact
	var l1, lifted uint64   // of the heaviest row
	for r, row := range rows {
		var sum, negative, up uint64
		for _, w := range row {
			up += uint64(int64(w) + lift)
			if w < 0 {
				negative += uint64(-int64(w))
				sum += uint64(-int64(w))
			} else {
				sum += uint64(w)
			}
		}
		l1, lifted = max(l1, sum), max(lifted, up)
		b.start[r] = negative * m.Q
	}
	b.sparse = m.sparse(rows)
	switch {
	case taps == 0:
	case m.fast() && uint64(largest+lift) <= (1<<52-1)/m.Q && lifted+uint64(lift)*uint64(taps) <= budget:
		b.kernel, b.lift = cpu.IFMA, uint64(lift)
		for r := range b.start {
			b.start[r] = b.lift * uint64(taps) * m.Q
		}
	case l1 <= budget:
		b.kernel = min(m.level, cpu.AVX512)
	}
	switch {
	case b.kernel == cpu.Portable:
		return b
	case b.kernel != cpu.IFMA && m.quartered(l1, rows):
		b.quarter(rows)
	default:
		for k := range taps {
			for _, row := range rows {
				w := int64(row[k])
				if b.kernel == cpu.IFMA {
					w += lift
				}
				b.w = append(b.w, w)
			}
		}
	}
	b.sparse = nil
	return b
}

// Apply evaluates the rows on inputs that are vectors of n words below q in x,
// input k from word offsets[k]. Row r becomes the n words of dst from r*stride:
//
//	dst[r] = constants[r] + sum_k w[r][k] x[offsets[k]]  mod q
//
// Constants must be below q; nil stands for zeros. n must be a multiple of 64.
// dst must not overlap x.
func (w *Weights) Apply(dst []uint64, stride int, x []uint64, offsets []int64, constants []uint64, n int) {
	rows := w.Rows()
	same(w.taps, len(offsets))
	if constants != nil {
		same(rows, len(constants))
	}
	if n%64 != 0 || n <= 0 || stride < n || (rows-1)*stride+n > len(dst) {
		panic(fmt.Sprintf("mod: %d rows of %d words, %d apart, in %d", rows, n, stride, len(dst)))
	}
	for _, o := range offsets {
		if o < 0 || int(o)+n > len(x) {
			panic(fmt.Sprintf("mod: an input at word %d of %d", o, len(x)))
		}
	}
	for i := range w.blocks {
		b := &w.blocks[i]
		to := dst[b.first*stride:]
		var c []uint64
		if constants != nil {
			c = constants[b.first:][:b.rows]
		}
		if b.kernel == cpu.Portable {
			for r := range b.sparse {
				w.m.row(to[r*stride:][:n], x, offsets, &b.sparse[r], c, r)
			}
			continue
		}
		var base [8]uint64
		copy(base[:], b.start)
		for r, v := range c {
			base[r] += v
		}
		if b.quarters != nil {
			w.m.quarterSums(b, to, stride, x, offsets, &base, n)
		} else {
			w.m.sums(b, to, stride, x, offsets, &base, n)
		}
	}
}
