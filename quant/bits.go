package quant

import "fmt"

// BitWidth is the number of bits of a quantized value.
type BitWidth uint8

// Limits of a BitWidth. One signed bit is the binary grid {-1, +1}; see Params.
const (
	MinBits BitWidth = 1
	MaxBits BitWidth = 16
)

// CheckBits returns an error that names the limits unless there is a signed or
// unsigned grid of b bits.
func CheckBits(b int, signed bool) error {
	if b < int(MinBits) || b > int(MaxBits) {
		kind := "unsigned"
		if signed {
			kind = "signed"
		}
		return fmt.Errorf("%d bits is outside %d..%d for %s values", b, MinBits, MaxBits, kind)
	}
	return nil
}
