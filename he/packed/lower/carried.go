package lower

import "qtool/bundle"

// carried is what packed ciphertexts carry: chains of linear maps and polynomials.
var carried = bundle.Support{Backend: "packed", Kinds: []bundle.Kind{
	bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindPolynomial, bundle.KindReshape,
}}
