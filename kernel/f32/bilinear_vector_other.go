//go:build !amd64 || purego

package f32

func bilinear(int, *float32, int, int, *uint8, int, *int64) { panic("f32: no vector kernels") }

func pairs(*uint8, *uint8, *uint8, int) { panic("f32: no vector kernels") }
