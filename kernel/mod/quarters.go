package mod

import "math"

// Kernels of weights of 16 bits take words as four signed quarters s_i of 16 bits,
//
//	x = sum_i 2^(16 i) s_i + quarterSigns
//
// and add products of quarters up in 32 bits, each sum from 2^31 on. What is too much,
// sum_k w[k] quarterSigns missing and 2^31 in each quarter, is the row's start.
const (
	quarterSigns = 1<<15 | 1<<31 | 1<<47
	quarterBias  = 1<<31 + 1<<47 + 1<<63 // 2^31 (1 + 2^16 + 2^32 + 2^48) mod 2^64

	maxQuarterSum = 1<<16 - 1 // of the magnitudes of a row's weights
	minQuarterQ   = 1 << 34   // below, the kernels' quotients are not precise enough
)

// quartered says whether such kernels serve rows whose magnitudes add up to at most
// l1: sums of quarters are at most 2^15 l1 < 2^31.
func (m *Modulus) quartered(l1 uint64, rows [][]int32) bool {
	if l1 > maxQuarterSum || m.Q < minQuarterQ {
		return false
	}
	for _, row := range rows {
		for _, w := range row {
			if w < math.MinInt16 || w > math.MaxInt16 {
				return false
			}
		}
	}
	return true
}

// quarter prepares b for them: two weights of a row in a word, the second 0 where
// there is none.
func (b *weightBlock) quarter(rows [][]int32) {
	taps := len(rows[0])
	for k := 0; k < taps; k += 2 {
		for _, row := range rows {
			w := uint32(uint16(row[k]))
			if k+1 < taps {
				w |= uint32(uint16(row[k+1])) << 16
			}
			b.quarters = append(b.quarters, w)
		}
	}
	for r, row := range rows {
		sum := uint64(0)
		for _, w := range row {
			sum += uint64(int64(w))
		}
		b.start[r] += sum*quarterSigns - quarterBias
	}
}
