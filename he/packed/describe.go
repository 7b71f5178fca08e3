package packed

import (
	"encoding/hex"

	"qtool/he"
	"qtool/he/packed/lower"
	"qtool/internal/elementary"
)

// Hash is the SHA-256 of all that was chosen, the program's fused maps among it: what
// client and server must agree on.
func (p *common) Hash() [32]byte { return p.hash }

// Describe describes the plan, for so many samples or, if that is 0, one.
func (p *Plan) Describe(samples int) he.Description {
	return p.describe(ckksName, samples, 1, func(i int) float64 { return -elementary.Log2(sureness * p.usual.stages[i]) })
}

// Describe describes the plan, for so many samples or, if that is 0, one.
func (p *ExactPlan) Describe(samples int) he.Description {
	d := p.describe(bgvName, samples, len(p.t), func(i int) float64 { return p.left[i] })
	d.PlaintextModuli = p.t
	return d
}

func (p *common) describe(backend string, samples, times int, bits func(stage int) float64) he.Description {
	samples = max(samples, 1)
	d := he.Description{
		Backend: backend, Hash: hex.EncodeToString(p.hash[:]), LogN: p.logN, Slots: 1, LogQP: p.LogQP(), SecurityBits: p.SecurityBits(),
		CiphertextModuli: p.ring.Q(), SpecialModuli: p.ring.P(), Rotations: len(p.needs.Rotations), KeyBytes: p.needs.Sent(p.logN, len(p.ring.P())),
		Samples: samples, Work: float64(samples*times) * p.Work(), Predicted: float64(samples*times) * p.Predicted(), Why: p.reasons(float64(times) * p.Predicted()),
	}
	for i := range p.lowered.Stages {
		st := &p.lowered.Stages[i]
		l := he.LayerDescription{
			Name: st.Name, First: st.First, Last: st.First + st.Nodes - 1, Layout: st.Layout.Name,
			In: st.Map.Cts, Out: st.Layout.Cts, Limbs: st.Entry.Limbs, Bits: bits(i),
		}
		for c := range st.Map.Terms {
			l.Products += len(st.Map.Terms[c])
		}
		l.Rotations, l.Hoisted = rotations(st)
		a, b := p.stageSeconds(i)
		l.Seconds = float64(samples*times) * (a + b)
		d.Layers = append(d.Layers, l)
	}
	return d
}

// rotations counts a stage's rotations, and the rotations that share a decomposition.
func rotations(st *lower.Stage) (all, hoisted int) {
	for _, list := range st.Split.Babies {
		for _, s := range list {
			if s > 0 {
				all++
				hoisted++
			}
		}
	}
	for _, list := range st.Split.Giants {
		for _, s := range list {
			if s > 0 {
				all++
			}
		}
	}
	rounds := func(list []int, cts int) {
		for _, a := range list {
			all += cts * (1<<a - 1)
			hoisted += cts * (1<<a - 1)
		}
	}
	rounds(st.Rounds, st.Layout.Cts)
	rounds(st.FoldRounds, st.Layout.Read().Cts)
	return all, hoisted
}

// ServerBytes is about what a server of the plan holds: keys and encoded
// diagonals, of all plaintext primes.
func (p *Plan) ServerBytes() int64 { return p.serverBytes(1) }

// ServerBytes is Plan.ServerBytes of an exact plan.
func (p *ExactPlan) ServerBytes() int64 { return p.serverBytes(len(p.t)) }

func (p *common) serverBytes(times int) int64 {
	limbs := int64(0)
	for i := range p.lowered.Stages {
		st := &p.lowered.Stages[i]
		n := st.Entry.Limbs
		if st.Split.Rotates() {
			n += len(p.ring.P())
		}
		for _, terms := range st.Map.Terms {
			limbs += int64(n * len(terms))
		}
	}
	return p.keyBytes() + int64(times)*limbs*8<<p.logN
}

// keyBytes is the size of the keys' coefficients in memory.
func (p *common) keyBytes() int64 { return p.needs.Bytes(p.logN, len(p.ring.P())) }
