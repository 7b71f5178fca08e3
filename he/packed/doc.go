// Package packed runs an integer program on one sample at a time, packed into few
// ciphertexts, with low latency: approximately with CKKS, or exactly with BGV.
//
// The client packs the sample so that the first linear map needs no rotations of
// single slots; every further map is a sum of diagonals times rotations with baby
// and giant steps; every quadratic is a square, its other terms folded into the
// maps around it (package lower, values.go). Sums, concatenations and slices of a graph
// are part of the maps that read them. Package engine evaluates.
package packed
