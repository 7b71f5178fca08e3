package bgv

import "qtool/bundle"

// carried is what the exact batch executor carries: chains of linear maps and
// polynomials.
var carried = bundle.Support{Backend: "bgv", Kinds: []bundle.Kind{
	bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindPolynomial, bundle.KindReshape,
}}
