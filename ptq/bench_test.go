package ptq

import (
	"context"
	"testing"
)

// BenchmarkLearn learns the rounding of a dense layer 784 -> 16.
func BenchmarkLearn(b *testing.B) {
	r, _, _ := problem(1, 784, 16)
	for b.Loop() {
		if _, err := r.learn(context.Background(), func() {}); err != nil {
			b.Fatal(err)
		}
	}
}
