package bgvlut

import (
	"encoding/hex"
	"fmt"
	"strings"

	"qtool/he"
	"qtool/he/internal/planhash"
	"qtool/he/wire"
	"qtool/kernel/cpu"
)

// Hash is the SHA-256 of all that was chosen: ring, primes, levels, key switching
// digits, and the tree and the leaves of every table.
func (p *Plan) Hash() [32]byte {
	l := p.layout
	h := planhash.New("bgvlut").Ints("ring", l.logN).Words("plaintext", l.t).Ints("copies", l.copies).Words("ciphertext", l.q...).Words("special", l.special...)
	h.Values("program", p.program.Input.Codes(), p.program.Output().Range)
	for i := range p.stages {
		s := &p.stages[i]
		h.Ints("stage", s.node.rows, s.node.table, s.node.pool, s.inputs, s.between, s.outputs)
		if !s.chained(i) {
			h.Ints("makes", s.round, s.to)
			for _, part := range s.from {
				h.Ints("reads", part.Buffer, part.From, part.To)
			}
		}
		if s.table == nil {
			continue
		}
		t := &p.tables[i]
		h.Ints("drops", l.drops[s.round]...).Ints("tree", t.tree.baby, t.tree.height)
		for _, u := range t.units {
			h.Ints("tables", u.elements[0], u.elements[1], u.output, int(t.shapes[u.pair].parity), t.coefficients(u.pair), t.shapes[u.pair].leaf)
		}
	}
	for _, d := range p.swap {
		h.Ints("swap", d...)
	}
	for _, d := range p.digits {
		h.Ints("digit", d...)
	}
	return h.Sum()
}

// Describe describes the plan, for so many samples or, if that is 0, a full batch.
func (p *Plan) Describe(samples int) he.Description {
	if samples == 0 {
		samples = p.Slots()
	}
	sum, l := p.Hash(), p.layout
	d := he.Description{
		Backend: "bgv", Hash: hex.EncodeToString(sum[:]), LogN: p.LogN(), Slots: p.Slots(), LogQP: p.LogQP(), SecurityBits: p.SecurityBits(),
		PlaintextModuli: []uint64{l.t}, CiphertextModuli: append([]uint64(nil), l.q...), SpecialModuli: append([]uint64(nil), l.special...),
		KeyBytes: wire.Size(p.sizes().Keys),
		Samples:  samples, Work: p.Work(samples), Predicted: p.PredictedSeconds(samples), Why: p.Why(),
	}
	costs, layout := l.costs(p.inputs, p.stages, p.tables, cpu.Active), [...]string{"an element a ciphertext", "two elements a ciphertext"}[l.copies-1]
	batches, budget := float64((samples+p.Slots()-1)/p.Slots()), p.budget
	for i := range p.stages {
		s := &p.stages[i]
		layer := he.LayerDescription{
			Name: "input", First: max(s.node.rows, noNode), Last: max(s.node.rows, s.node.table, s.node.pool), Layout: layout,
			In: len(p.tables[i].reads.ciphertexts), Out: len(p.tables[i].outputs), Limbs: l.limbs(s.round, 0),
			Seconds: batches * costs.stage(i) / float64(p.workers) / 1e9,
		}
		if layer.First == noNode {
			layer.First = max(s.node.table, s.node.pool)
		}
		if layer.Last != noNode {
			layer.Name = p.program.Nodes[layer.Last].Name
		}
		if s.table != nil {
			layer.Layout = fmt.Sprintf(layout+"; tables of up to %d values in %d levels", p.tableLayer(i).Domain, p.tables[i].tree.levels())
		}
		// A linear map has an entry of its own in the budget, and a table one.
		for _, node := range []int{s.node.rows, max(s.node.table, s.node.pool)} {
			if node != noNode && len(budget) > 0 {
				layer.Bits, budget = budget[0].BitsLeft, budget[1:]
			}
		}
		if n := len(d.Layers); n > 0 && layer.Last != noNode && d.Layers[n-1].First == layer.First && d.Layers[n-1].Last == layer.Last {
			follow(&d.Layers[n-1], layer) // both are of one maximum or product
			continue
		}
		d.Layers = append(d.Layers, layer)
	}
	return d
}

// follow adds to what a layer is evaluated as another step of the same node.
func follow(l *he.LayerDescription, next he.LayerDescription) {
	l.Out, l.Bits, l.Seconds = next.Out, next.Bits, l.Seconds+next.Seconds
	if strings.Contains(next.Layout, ";") {
		l.Layout = next.Layout
	}
}
