package tfhe

import "qtool/kernel/gadget"

// smallKey is a ciphertext of n mask words and a body modulo 2KN, with the phase
// body + sum mask_i s_i: what a blind rotation takes.
type smallKey []uint32

// digits takes a mask word apart into L centred digits d_j, the most significant
// first, with
//
//	x / 2^32 = sum d_j / B^(j+1)   (mod 1)   within B^-L / 2.
//
// Where B/2 and -B/2 would both do, the word's last bit decides, which is rounded
// away, so that digits have mean zero: a mean, multiplied by the sum of a key's
// errors, would shift every phase under that key.
func (p *Parameters) digits(dst []int32, x uint32) {
	base := p.Switch.Base
	keep := base * p.Switch.Levels
	coin := x & 1
	x = uint32((uint64(x)>>(31-keep) + 1) >> 1) // rounded to keep bits
	half, mask := uint32(1)<<(base-1), uint32(1)<<base-1
	for j := p.Switch.Levels - 1; j >= 0; j-- {
		d := x & mask
		carry := (d + half - 1 + coin) >> base // 1 if d > B/2, or d = B/2 and coin is 1
		dst[j] = int32(d) - int32(carry<<base)
		x = x>>base + carry
	}
}

// keySwitch sets acc to the small-key ciphertexts of cts modulo q:
//
//	(0, round(q/2^32 body)) + sum_i sum_j d_ij switchRow(i, j).
//
// All are done at once, so that the key is read once. Words of acc are meaningful
// modulo q only.
func (e *EvaluationKeys) keySwitch(acc [][]uint32, cts []bigKey) {
	p := e.params
	n := p.Dimension
	for k, c := range cts {
		clear(acc[k])
		acc[k][n] = uint32((uint64(*c.body())>>(31-p.LogSmallQ) + 1) >> 1)
	}
	digits := make([]int32, p.Switch.Levels)
	for i := range p.N() {
		for k, c := range cts {
			p.digits(digits, c[i])
			out := acc[k][:n+1]
			for j, d := range digits {
				gadget.AddMul(out, e.switchRow(i, j), uint32(d))
			}
		}
	}
}

// round makes the blind rotation's input from a small-key ciphertext modulo q, in
// place: every mask word to the nearest multiple of q/2KN, the body less half the
// sum of the mask's rounding errors down to one. See Parameters.rounded; a
// position p of 2KN stands for the phases in [p, p+1) / 2KN.
func (p *Parameters) round(c []uint32) {
	n := p.Dimension
	qMask, mask := uint32(1)<<p.LogSmallQ-1, uint32(1)<<(p.logPositions()+1)-1
	shift := p.LogSmallQ - p.logPositions() - 1
	half := uint32(1) << (shift - 1)
	var errors int64 // sum of the rounding errors, in units of 1/q
	for i := range n {
		x := c[i] & qMask
		r := (x + half) >> shift
		errors += int64(r)<<shift - int64(x)
		c[i] = r & mask
	}
	body := 2*int64(c[n]&qMask) - errors // in units of 1/2q
	c[n] = uint32(body>>(shift+1)) & mask
}

// messageAt is the message of 2H that position p of 2KN belongs to, the one that the
// middle (p + 1/2) / 2KN lies in.
func (p *Parameters) messageAt(position, h int) int {
	return (2*position + 1) * h >> (p.logPositions() + 1)
}
