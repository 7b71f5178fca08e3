package lower

import "qtool/bundle"

// carried is what packed ciphertexts carry: graphs of linear maps, of polynomials of
// degree 1 and 2, and of exact products.
var carried = bundle.Support{Backend: "packed", Graphs: true, Kinds: []bundle.Kind{
	bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindPolynomial,
	bundle.KindAdd, bundle.KindMul, bundle.KindConcat, bundle.KindSlice, bundle.KindReshape, bundle.KindShift,
}}
