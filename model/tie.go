package model

import "slices"

// tie says that the scale of a layer is free, and which other tensor's it is to
// meet in a sum.
type tie struct {
	layer  int   // whose scale follows
	add    int   // the layer that sums
	anchor int   // the tensor with the given scale, which the sum reads too
	path   []int // the layers after the tied one and before the sum, in order
	// peer is a layer that is concatenated with the tied one before the sum, where both
	// must have one scale; the tied layer itself where there is none.
	peer int
}

// ties finds for every sum the layers whose scales can be chosen so that all of its
// inputs meet: layers with weights and lookup-table activations, also behind layers that
// leave a scale as it is or change it in a known way (pools, flattening, dropout,
// concatenation, polynomials). The anchor is the first input without such a layer, or
// else the input that comes first in the network. The next input is tied to the anchor,
// each further one to the input before it, so that all ratios are whole. A layer is tied
// once; inputs that then still do not meet are refused by Scaling.
func (n *Network) ties(sources [][]int) map[int]tie {
	ties := map[int]tie{}
	for i, l := range n.Layers {
		if l.Type != Add {
			continue
		}
		free := make([][]tie, len(sources[i]))
		for k, from := range sources[i] {
			free[k] = n.free(sources, ties, from, tie{add: i})
		}
		first := anchor(sources[i], free)
		before := sources[i][first]
		for k, candidates := range free {
			depends := slices.ContainsFunc(candidates, func(t tie) bool { return dependsOn(sources, before, t.layer) })
			if k == first || len(candidates) == 0 || depends {
				continue
			}
			peer := slices.MinFunc(candidates, func(a, b tie) int { return a.layer - b.layer }).layer
			for _, t := range candidates {
				t.anchor, t.peer = before, peer
				ties[t.layer] = t
			}
			before = sources[i][k]
		}
	}
	return ties
}

// Tied says of each layer whether its scale follows the scale of a tensor that its own
// output is added to.
func (n *Network) Tied() ([]bool, error) {
	sources, err := n.Sources()
	if err != nil {
		return nil, err
	}
	tied := make([]bool, len(n.Layers))
	for i := range n.ties(sources) {
		tied[i] = true
	}
	return tied, nil
}

// anchor is which input the others are tied to.
func anchor(from []int, free [][]tie) int {
	best := 0
	for k := range from {
		fixed, bestFixed := len(free[k]) == 0, len(free[best]) == 0
		if fixed && !bestFixed || !fixed && !bestFixed && from[k] < from[best] {
			best = k
		}
	}
	return best
}

// free lists the layers whose scales decide the scale of tensor i, with t's path
// lengthened; none where the scale is given.
func (n *Network) free(sources [][]int, ties map[int]tie, i int, t tie) []tie {
	if i == Input {
		return nil
	}
	l := n.Layers[i]
	switch {
	case l.Weighted() || l.LookupTable():
		if _, tied := ties[i]; tied {
			return nil
		}
		t.layer = i
		return []tie{t}
	case l.Averages(), l.Maximum(), l.Type == Flatten, l.Type == Dropout, l.Type == Concat:
	case l.Activation():
		if _, ok := l.PolynomialCoefficients(); !ok {
			return nil
		}
	default:
		return nil
	}
	t.path = append([]int{i}, t.path...)
	var all []tie
	for _, from := range sources[i] {
		found := n.free(sources, ties, from, t)
		if found == nil {
			return nil
		}
		all = append(all, found...)
	}
	return all
}

// dependsOn reports whether tensor i is made from layer from's, or is it.
func dependsOn(sources [][]int, i, from int) bool {
	if i < from {
		return false
	}
	needed := make([]bool, i+1)
	needed[i] = true
	for k := i; k > from; k-- {
		if !needed[k] {
			continue
		}
		for _, s := range sources[k] {
			if s >= from {
				needed[s] = true
			}
		}
	}
	return needed[from]
}
