package tfhe

import (
	"encoding/hex"
	"fmt"

	"qtool/he"
	"qtool/he/internal/planhash"
	"qtool/kernel/cpu"
)

// Hash is the SHA-256 of all that was chosen: the parameters, and every layer's
// encoding.
func (p *Plan) Hash() [32]byte {
	h := planhash.New("tfhe").Words("ring modulus", p.params.q)
	l := &p.params.ParametersLiteral
	h.Ints("parameters", l.LogN, l.LogQ, l.Ring[0].Base, l.Ring[0].Levels, l.Ring[1].Base, l.Ring[1].Levels, l.Dimension, l.LogSmallQ, l.Group, l.LogAccumulators, l.Switch.Base, l.Switch.Levels)
	for i := range p.layers {
		la := &p.layers[i]
		h.Ints("layer", la.from, la.first, la.n, la.half, la.lookups())
		for o := range la.lo {
			h.Ints("range", int(la.lo[o]), int(la.hi[o]))
		}
		if la.gain > 1 {
			h.Ints("gain", la.gain)
		}
	}
	if p.precise() {
		h.Ints("precise", 1)
	}
	return h.Sum()
}

// Describe describes the plan, for so many samples or, if that is 0, one.
func (p *Plan) Describe(samples int) he.Description {
	samples = max(samples, 1)
	sum, l := p.Hash(), &p.params.ParametersLiteral
	d := he.Description{
		Backend: Backend, Hash: hex.EncodeToString(sum[:]), LogN: l.LogN, Slots: 1, LogQP: float64(l.LogQ), SecurityBits: p.SecurityBits(),
		CiphertextModuli: []uint64{p.params.q},
		LWE: &he.LWEDescription{Dimension: l.Dimension, LogQ: l.LogSmallQ,
			Digits: fmt.Sprintf("%v and %v in rotations, %v in key switches", l.Ring[0], l.Ring[1], l.Switch)},
		KeyBytes: l.RotationBytes() + l.SwitchingBytes(), FailurePerSample: p.FailurePerSample(),
		Samples: samples, Work: p.Work(samples), Predicted: p.PredictedSeconds(samples), Why: p.Why(),
	}
	each, budget := l.nanoseconds(cpu.Active), p.NoiseBudget()
	for i := range p.layers {
		la := &p.layers[i]
		layer := he.LayerDescription{
			Name: la.name, First: la.linearNode, Last: la.linearNode, Layout: fmt.Sprintf("message space %d", 2*la.half), In: p.reads(la), Out: la.n, Bits: budget[i].BitsLeft,
			Seconds: float64(la.lookups()*samples) * each / float64(p.workers) / 1e9,
		}
		if n := la.lookups(); n > 0 {
			layer.Layout = fmt.Sprintf("%d look-ups, message space %d", n, 2*la.half)
			layer.Last = la.tableNode
		}
		d.Layers = append(d.Layers, layer)
	}
	return d
}

// reads is how many values a layer's linear map reads.
func (p *Plan) reads(la *layer) int {
	if la.rows == nil {
		return la.n
	}
	if la.from > 0 || la.first == p.inputs() {
		return la.rows.Inputs // all outputs of the layer before it, or all inputs
	}
	read := map[int]bool{}
	for o := range la.n {
		la.each(o, func(v int, _ int32) { read[v] = true })
	}
	return len(read)
}
