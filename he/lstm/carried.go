package lstm

import "qtool/bundle"

// carried is what the executor of sequences carries: a Recurrent and linear maps
// behind it, in a chain. newCell says which Recurrent.
var carried = bundle.Support{Backend: "lstm", Kinds: []bundle.Kind{
	bundle.KindRecurrent, bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindReshape,
}}
