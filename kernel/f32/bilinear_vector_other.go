//go:build !amd64

package f32

func bilinear(*float32, int, int, *uint8, int, *int64) { panic("f32: no vector kernels") }
