// Package elementary has the elementary functions that results are made of:
// their values are the same bits on every processor.
//
// Package math does not promise that. Its Exp and Log are assembly on some
// architectures, its Exp rounds otherwise where an amd64 processor lacks fused
// multiply-add, and the compiler may fuse x*y + z in the others on arm64.
// Here every product is rounded before it is added to something, or fused by
// math.FMA, which is exact everywhere.
//
// The values are the values of Go's package math on amd64 with fused multiply-add;
// the code is derived from it. Elsewhere they differ from package math's in the
// last bits.
package elementary
