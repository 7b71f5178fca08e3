package bgv

import (
	"encoding/hex"
	"fmt"

	"qtool/he"
	"qtool/he/internal/costmodel"
	"qtool/he/internal/planhash"
)

// Hash is the SHA-256 of all that was chosen: ring, primes, what is dropped where, and
// how the program is cut into segments and stages.
func (p *Plan) Hash() [32]byte {
	l := p.layout
	h := planhash.New("bgv").Ints("ring", l.logN).Words("plaintext", l.t...).Words("ciphertext", l.q...).Ints("drops", l.drops...)
	h.Values("program", p.program.Input.Codes(), p.output)
	for i := range p.circuit.segments {
		for k := range p.circuit.segments[i].stages {
			s := &p.circuit.segments[i].stages[k]
			h.Ints("stage", i, s.node.rows, s.node.poly, s.node.pool, s.inputs, s.between, s.outputs, s.inDegree, s.outDegree)
			if s.chained() {
				continue
			}
			for _, from := range s.sources() {
				for j, p := range from.parts {
					h.Ints("reads", p.Buffer, p.From, p.To, from.lifts[j])
				}
			}
		}
	}
	return h.Sum()
}

// Describe describes the plan, for so many samples or, if that is 0, a full batch.
func (p *Plan) Describe(samples int) he.Description {
	if samples == 0 {
		samples = p.Slots()
	}
	sum := p.Hash()
	d := he.Description{
		Backend: "bgv", Hash: hex.EncodeToString(sum[:]), LogN: p.LogN(), Slots: p.Slots(), LogQP: p.LogQ(), SecurityBits: p.SecurityBits(),
		PlaintextModuli: p.PlaintextModuli(), CiphertextModuli: p.CiphertextModuli(), MemoryBytes: p.Memory(),
		Samples: samples, Work: p.Work(samples), Predicted: p.PredictedSeconds(samples), Why: p.Why(),
	}
	l := p.layout
	level, batches := len(l.q), (samples+p.Slots()-1)/p.Slots()
	var bits []float64
	l.walk(p.circuit, func(_ *stage, e noise, logQ float64) { bits = append(bits, e.left(logQ)) })
	for i := range p.circuit.segments {
		for k := range p.circuit.segments[i].stages {
			s := &p.circuit.segments[i].stages[k]
			first, last := s.nodes()
			name := "input"
			if last != noNode {
				name = p.program.Nodes[last].Name
			}
			seconds := 0.0
			for _, q := range l.q[:level] {
				seconds += p.circuit.cost(i, k, costmodel.BatchOf(p.level, q), l.q[0])
			}
			d.Layers = append(d.Layers, he.LayerDescription{
				Name: name, First: first, Last: last,
				Layout: fmt.Sprintf("an element a ciphertext of degree %d", s.outDegree), In: s.inputs, Out: s.outputs, Limbs: level, Bits: bits[len(d.Layers)],
				Seconds: seconds * float64(batches*len(l.t)) * float64(p.Slots()) / float64(p.workers) / 1e9,
			})
		}
		level -= l.drops[i]
	}
	return d
}

// chained reports whether the stage reads all that the one before it makes, as every
// stage of a chain of layers does.
func (s *stage) chained() bool {
	p := s.from.parts
	return s.by == nil && len(p) == 1 && p[0].Buffer == s.to-1 && p[0].From == 0
}

// nodes are the first and the last program node of a stage, noNode where there is none.
func (s *stage) nodes() (first, last int) {
	first, last = noNode, noNode
	for _, n := range []int{s.node.rows, s.node.poly, s.node.pool} {
		if n == noNode {
			continue
		}
		if first == noNode {
			first = n
		}
		last = n
	}
	return first, last
}

// Memory is the most bytes that ciphertexts and plaintexts of a batch take at once: the
// same on every machine. See layout.bytes for what is counted.
func (p *Plan) Memory() int64 { return int64(p.layout.bytes(p.circuit)) }
