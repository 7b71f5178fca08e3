package quant

import "fmt"

// BitWidth is the number of bits of a quantized value.
type BitWidth uint8

// Limits of a BitWidth. One bit is for unsigned values only: a symmetric signed
// grid of one bit holds nothing but zero.
const (
	MinBits BitWidth = 1
	MaxBits BitWidth = 16
)

// CheckBits returns an error that names the limits unless b bits can hold a
// signed or unsigned grid of at least two values.
func CheckBits(b int, signed bool) error {
	lo := int(MinBits)
	if signed {
		lo = 2
	}
	if b < lo || b > int(MaxBits) {
		kind := "unsigned"
		if signed {
			kind = "signed"
		}
		return fmt.Errorf("%d bits is outside %d..%d for %s values", b, lo, MaxBits, kind)
	}
	return nil
}
