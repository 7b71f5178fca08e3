package tfhe

import "qtool/bundle"

// carried is what blind rotation carries: graphs of all operations, as elementwise
// ones are tables, products two of them, maxima trees of them, and loops are unrolled.
// What a table's domain or the noise forbids is refused by name, see lower.
var carried = bundle.Support{Backend: "tfhe", Graphs: true, Kinds: []bundle.Kind{
	bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindMaxPool, bundle.KindPolynomial, bundle.KindLookupTable,
	bundle.KindAdd, bundle.KindMul, bundle.KindConcat, bundle.KindSlice, bundle.KindReshape, bundle.KindShift, bundle.KindRecurrent,
}}
