package ptq

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
)

func random(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 2*r.Float64() - 1
	}
	return x
}

func general(data []float64, columns int) blas64.General {
	return blas64.General{Rows: len(data) / columns, Cols: columns, Stride: columns, Data: data}
}

// Every sum is in order: the oracle is written as the formula, and gonum's
// products, where they are not fused, are the same.
func TestProducts(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 60 {
		rows, inner, n := 1+r.IntN(90), 1+r.IntN(90), 1+r.IntN(300)
		start, a, b := random(r, rows*n), random(r, rows*inner), random(r, inner*n)
		want := slices.Clone(start)
		for i := range rows {
			for j := range n {
				for l := range inner {
					want[i*n+j] += float64(a[i*inner+l] * b[l*n+j])
				}
			}
		}
		got := slices.Clone(start)
		addProduct(got, a, b, rows, inner, n)
		if !slices.Equal(got, want) {
			t.Fatalf("addProduct of [%d, %d] and [%d, %d] is not the sum in order", rows, inner, inner, n)
		}
		transposed := make([]float64, len(a))
		for i := range rows {
			for l := range inner {
				transposed[l*rows+i] = a[i*inner+l]
			}
		}
		got = slices.Clone(start)
		addGram(got, transposed, b, rows, inner, n)
		if !slices.Equal(got, want) {
			t.Fatalf("addGram of [%d, %d] and [%d, %d] is not the sum in order", inner, rows, inner, n)
		}
		if runtime.GOARCH != "amd64" {
			continue
		}
		blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, general(a, inner), general(b, n), 1, general(start, n))
		if !slices.Equal(start, want) {
			t.Fatal("gonum's product is another sum")
		}
	}
}

// The learned rounding of a layer of 784 inputs and 128 outputs multiplies
// matrices of these sizes 1000 times.
func BenchmarkAddProduct(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	x, y, z := random(r, 128*784), random(r, 784*784), make([]float64, 128*784)
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			addProduct(z, x, y, 128, 784, 784)
		}
	})
	b.Run("gonum", func(b *testing.B) {
		for b.Loop() {
			blas64.Gemm(blas.NoTrans, blas.NoTrans, 1, general(x, 784), general(y, 784), 1, general(z, 784))
		}
	})
}

func BenchmarkAddGram(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	y, z := random(r, batchRows*784), make([]float64, 784*784)
	b.Run("ours", func(b *testing.B) {
		for b.Loop() {
			addGram(z, y, y, 784, batchRows, 784)
		}
	})
	b.Run("gonum", func(b *testing.B) {
		for b.Loop() {
			blas64.Gemm(blas.Trans, blas.NoTrans, 1, general(y, 784), general(y, 784), 1, general(z, 784))
		}
	})
}
