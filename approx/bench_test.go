package approx

import (
	"fmt"
	"testing"
)

func BenchmarkFit(b *testing.B) {
	for _, m := range Methods() {
		for _, d := range []int{3, 15} {
			b.Run(fmt.Sprintf("%s-%d", m, d), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if _, err := Fit("sigmoid", m, d, Interval{-8, 8}); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
