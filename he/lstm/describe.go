package lstm

import (
	"encoding/hex"
	"fmt"

	"qtool/he"
	"qtool/he/internal/planhash"
)

// Hash is the SHA-256 of all that was chosen: ring, primes, scale, blocks and how
// rotations are split.
func (p *Plan) Hash() [32]byte { return p.hashWith(p.params.Q(), p.params.P()) }

func (p *Plan) hashWith(q, special []uint64) [32]byte {
	h := planhash.New("lstm").Ints("ring", p.logN).Words("ciphertext", q...).Words("special", special...)
	h.Ints("layout", p.message, p.blocks, p.split.babies, p.split.giants, p.cell.steps, p.cell.inputs, p.cell.hidden, len(p.cell.w))
	return h.Values("program", p.program.Input.Codes(), p.program.Output().Range).Sum()
}

// Describe describes the plan, for so many sequences or, if that is 0, a full batch.
// Time is not predicted.
func (p *Plan) Describe(samples int) he.Description {
	if samples == 0 {
		samples = p.Slots()
	}
	sum, needs := p.Hash(), p.needs()
	d := he.Description{
		Backend: "packed-ckks", Hash: hex.EncodeToString(sum[:]), LogN: p.logN, Slots: p.Slots(), LogQP: p.LogQP(), SecurityBits: p.SecurityBits(),
		CiphertextModuli: p.params.Q(), SpecialModuli: p.params.P(), Rotations: len(needs.Rotations), KeyBytes: needs.Sent(p.logN, p.params.PCount()), Samples: samples, Why: p.Why(),
	}
	for t := range p.cell.steps {
		d.Layers = append(d.Layers, he.LayerDescription{
			Name: fmt.Sprintf("step %d", t), First: -1, Last: -1, Layout: fmt.Sprintf("%d blocks of %d slots", p.blocks, p.Slots()),
			In: p.chunks(), Out: 1, Limbs: p.cell.limbs(t),
		})
	}
	d.Layers = append(d.Layers, he.LayerDescription{
		Name: p.program.Output().Name, First: -1, Last: len(p.program.Nodes) - 1, Layout: fmt.Sprintf("%d blocks of %d slots", p.blocks, p.Slots()),
		In: 1, Out: 1, Limbs: p.cell.limbs(p.cell.steps), Bits: p.Bits(),
	})
	return d
}
