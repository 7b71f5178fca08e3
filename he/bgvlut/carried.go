package bgvlut

import "qtool/bundle"

// carried is what the exact batch executor carries beside lookup tables: chains of
// linear maps and tables.
var carried = bundle.Support{Backend: "bgvlut", Kinds: []bundle.Kind{
	bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindLookupTable, bundle.KindReshape,
}}
