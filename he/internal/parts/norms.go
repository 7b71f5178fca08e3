package parts

import (
	"fmt"
	"math"

	"qtool/bundle"
)

// Norm is what noise meets in the weights of a row on one buffer: the L1 norm and the
// squared L2 norm.
type Norm struct{ L1, Square float64 }

// Norms are the norms of the rows of a linear map.
type Norms struct {
	Parts []int    // the first part of each buffer
	Rows  [][]Norm // on each of these buffers; rows of the same norms come once
}

// NewNorms are the norms of r on the elements of l. Weights of one element that the list
// has twice are added up first, as its error is one error.
func NewNorms(r *bundle.Rows, l List) Norms {
	var n Norms
	number := map[int]int{} // of each buffer in n.Parts
	type place struct{ buffer, element int }
	var at []place // of every input
	first := map[place]int{}
	same := make([]int, 0, r.Inputs) // the first input with that element
	twice := false
	for k, p := range l {
		if _, ok := number[p.Buffer]; !ok {
			number[p.Buffer] = len(n.Parts)
			n.Parts = append(n.Parts, k)
		}
	}
	l.Each(func(buffer, element int) {
		p := place{number[buffer], element}
		if _, ok := first[p]; ok {
			twice = true
		} else {
			first[p] = len(at)
		}
		same = append(same, first[p])
		at = append(at, p)
	})
	seen := map[string]bool{}
	for o := range r.Outputs() {
		row := make([]Norm, len(n.Parts))
		in, w := r.Row(o)
		if twice {
			in, w = merged(in, w, same)
		}
		for k, i := range in {
			v := math.Abs(float64(w[k]))
			b := at[i].buffer
			row[b].L1 += v
			row[b].Square += float64(v * v)
		}
		if key := fmt.Sprint(row); !seen[key] {
			seen[key] = true
			n.Rows = append(n.Rows, row)
		}
	}
	return n
}

// merged adds up the weights of inputs that are the same.
func merged(in, w []int32, same []int) (inputs, weights []int32) {
	number := map[int]int{}
	for k, i := range in {
		j := same[i]
		if _, ok := number[j]; !ok {
			number[j] = len(inputs)
			inputs, weights = append(inputs, int32(j)), append(weights, 0)
		}
		weights[number[j]] += w[k]
	}
	return inputs, weights
}
