package f32

import "fmt"

type poolKernel func(dst *float32, dstStep int, x *float32, xStep int, off *int, taps, n, count int, factor float32)

// Pool sums windows of runs of n values: for i in 0..count-1 and j in 0..n-1
//
//	y[i*y.Step + j] = factor * sum_t x[i*x.Step + offsets[t] + j]
//
// in the order of t, with offsets at least n apart. With the batch last a run is one pixel of n images.
func Pool(y, x Runs, offsets []int, n, count int, factor float32) {
	if !poolFits(y, x, offsets, n, count) {
		return
	}
	if active != nil {
		active.pool(&y.Data[0], y.Step, &x.Data[0], x.Step, &offsets[0], len(offsets), n, count, factor)
		return
	}
	for i := range count {
		y := y.Data[i*y.Step:][:n]
		clear(y)
		for _, o := range offsets {
			for j, a := range x.Data[i*x.Step+o:][:n] {
				y[j] += a
			}
		}
		for j := range y {
			y[j] *= factor
		}
	}
}

// PoolGrad is the gradient of Pool: it adds factor*dy to dx wherever Pool read x,
// or with add false, where no value was read twice, sets dx there to 0+factor*dy.
func PoolGrad(dx, dy Runs, offsets []int, n, count int, factor float32, add bool) {
	if !poolFits(dy, dx, offsets, n, count) {
		return
	}
	if active != nil {
		f := active.poolGrad
		if add {
			f = active.poolGradAdd
		}
		f(&dy.Data[0], dy.Step, &dx.Data[0], dx.Step, &offsets[0], len(offsets), n, count, factor)
		return
	}
	for i := range count {
		for _, o := range offsets {
			dx := dx.Data[i*dx.Step+o:][:n]
			if !add {
				clear(dx)
			}
			for j, g := range dy.Data[i*dy.Step:][:n] {
				dx[j] += float32(g * factor)
			}
		}
	}
}

// poolFits panics where a run lies outside of its slice, and reports whether
// there is anything to do.
func poolFits(y, x Runs, offsets []int, n, count int) bool {
	if n <= 0 || count <= 0 || len(offsets) == 0 {
		return false
	}
	_ = y.Data[(count-1)*y.Step+n-1]
	for _, o := range offsets {
		if o < 0 || o+(count-1)*x.Step+n > len(x.Data) {
			panic(fmt.Sprintf("f32: %d runs of %d values from %d are outside of %d", count, n, o, len(x.Data)))
		}
	}
	return true
}
