package sample

import (
	"math"
	"testing"
)

// Every integer is drawn as often as the discrete Gaussian says.
func TestDiscreteGaussianIsTheDistribution(t *testing.T) {
	const n = 100_000
	for _, sigma := range []int64{1, 3, 17} {
		s := NewStream(Seed{40, byte(sigma)})
		weight := func(k int) float64 { return math.Exp(-float64(k*k) / float64(2*sigma*sigma)) }
		total := 0.
		for k := -40 * int(sigma); k <= 40*int(sigma); k++ {
			total += weight(k)
		}
		inner := 3 * int(sigma) // magnitudes past this are counted together
		counts := make([]int, 2*inner+3)
		for range n {
			counts[max(-inner-1, min(int(s.DiscreteGaussian(sigma)), inner+1))+inner+1]++
		}
		tail := 0.
		for k := inner + 1; k <= 40*int(sigma); k++ {
			tail += weight(k) / total
		}
		chi, f := chiSquare(counts, func(i int) float64 {
			if i == 0 || i == len(counts)-1 {
				return tail
			}
			return weight(i-inner-1) / total
		})
		plausible(t, "discrete Gaussian", chi, f)
	}
}

// Wide ones have the cells and the moments of the normal distribution, and their low bits
// are uniform: sigma past 2^32, where a sampler of floating-point numbers may have gaps.
func TestWideDiscreteGaussian(t *testing.T) {
	const n, sigma, width = 50_000, 1<<45 + 12345, 64
	s := NewStream(Seed{41})
	cells, low := make([]int, width), make([]int, 256)
	var mean, square, fourth, neighbours, last float64
	for range n {
		x := s.DiscreteGaussian(sigma)
		low[byte(x)]++
		z := float64(x) / sigma
		cells[min(width-1, int(width*0.5*math.Erfc(-z/math.Sqrt2)))]++
		mean, square, fourth, neighbours, last = mean+z/n, square+z*z/n, fourth+z*z*z*z/n, neighbours+z*last/n, z
	}
	chi, f := chiSquare(cells, func(int) float64 { return 1. / width })
	plausible(t, "cells of equal probability", chi, f)
	chi, f = chiSquare(low, func(int) float64 { return 1. / 256 })
	plausible(t, "low bytes", chi, f)
	for name, v := range map[string]struct{ got, want, deviation float64 }{
		"mean": {mean, 0, 1}, "variance": {square, 1, math.Sqrt2}, "fourth moment": {fourth, 3, math.Sqrt(96)}, "covariance of neighbours": {neighbours, 0, 1},
	} {
		if math.Abs(v.got-v.want) > 6*v.deviation/math.Sqrt(n) {
			t.Errorf("%s %v, want %v", name, v.got, v.want)
		}
	}
}

func TestDiscreteGaussianOfAnotherDeviationPanics(t *testing.T) {
	for _, sigma := range []int64{-1, 0, MaxDeviation + 1} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a standard deviation of %d is taken", sigma)
				}
			}()
			NewStream(Seed{42}).DiscreteGaussian(sigma)
		}()
	}
}

func BenchmarkDiscreteGaussian(b *testing.B) {
	s := NewStream(Seed{1})
	b.ReportAllocs()
	for b.Loop() {
		s.DiscreteGaussian(1 << 40)
	}
}
