package tfhe

import "qtool/bundle"

// carried is what blind rotation carries: chains of linear maps and of tables, as
// which polynomials count, and loops, which are unrolled.
var carried = bundle.Support{Backend: "tfhe", Kinds: []bundle.Kind{
	bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindPolynomial, bundle.KindLookupTable,
	bundle.KindReshape, bundle.KindRecurrent,
}}
