package bgvlut

import "qtool/bundle"

// carried is what the exact batch executor carries beside lookup tables: graphs of
// linear maps and tables, and what is made of these, maxima and products.
var carried = bundle.Support{Backend: "bgvlut", Graphs: true, Kinds: []bundle.Kind{
	bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindLookupTable, bundle.KindReshape,
	bundle.KindAdd, bundle.KindConcat, bundle.KindSlice, bundle.KindMaxPool, bundle.KindMul,
}}
