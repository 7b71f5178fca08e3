package packed

import (
	"encoding/hex"

	"qtool/he/packed/lower"
	"qtool/internal/elementary"
)

// Description is a plan to be read: what was chosen, layer by layer.
type Description struct {
	Scheme          string             `json:"scheme"`
	Hash            string             `json:"hash"`
	LogN            int                `json:"log_n"`
	LogQP           float64            `json:"log_qp"`
	SecurityBits    int                `json:"security_bits"`
	PlaintextModuli []uint64           `json:"plaintext_moduli,omitempty"`
	Rotations       int                `json:"rotation_keys"`
	KeyBytes        int64              `json:"key_bytes"`
	Predicted       float64            `json:"predicted_seconds"`
	Layers          []LayerDescription `json:"layers"`
	Why             []string           `json:"why"`
}

// LayerDescription is one fused map with the activation behind it. First and
// Last are its program nodes. Rotations counts all key switches with a rotation,
// Hoisted those of them that share a decomposition. Bits are the predicted
// precision behind it (CKKS) or the noise budget left (BGV); Seconds predicts
// its evaluation, of all plaintext primes together.
type LayerDescription struct {
	Name      string  `json:"name"`
	First     int     `json:"first_node"`
	Last      int     `json:"last_node"`
	Layout    string  `json:"layout"`
	In        int     `json:"ciphertexts_in"`
	Out       int     `json:"ciphertexts_out"`
	Products  int     `json:"products"`
	Rotations int     `json:"rotations"`
	Hoisted   int     `json:"hoisted"`
	Limbs     int     `json:"limbs"`
	Bits      float64 `json:"bits"`
	Seconds   float64 `json:"predicted_seconds"`
}

// Describe describes the plan.
func (p *Plan) Describe() Description {
	return p.describe("packed-ckks", 1, func(i int) float64 { return -elementary.Log2(sureness * p.usual.stages[i]) })
}

// Describe describes the plan.
func (p *ExactPlan) Describe() Description {
	d := p.describe("packed-bgv", len(p.t), func(i int) float64 { return p.left[i] })
	d.PlaintextModuli = p.t
	return d
}

func (p *common) describe(scheme string, times int, bits func(stage int) float64) Description {
	d := Description{
		Scheme: scheme, Hash: hex.EncodeToString(p.hash[:]), LogN: p.logN, LogQP: p.LogQP(), SecurityBits: p.SecurityBits(),
		Rotations: len(p.needs.Rotations), KeyBytes: p.keyBytes(),
		Predicted: float64(times) * p.Predicted(), Why: p.why,
	}
	for i := range p.lowered.Stages {
		st := &p.lowered.Stages[i]
		l := LayerDescription{
			Name: st.Name, First: st.First, Last: st.First + st.Nodes - 1, Layout: st.Layout.Name,
			In: st.Map.Cts, Out: st.Layout.Cts, Limbs: st.Entry.Limbs, Bits: bits(i),
		}
		for c := range st.Map.Terms {
			l.Products += len(st.Map.Terms[c])
		}
		l.Rotations, l.Hoisted = rotations(st)
		a, b := p.stageSeconds(i)
		l.Seconds = float64(times) * (a + b)
		d.Layers = append(d.Layers, l)
	}
	return d
}

// rotations counts those of a stage, and those that share a decomposition.
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

// keyBytes is the size of the keys' coefficients.
func (p *common) keyBytes() int64 {
	special := len(p.ring.P())
	size := func(limbs int) int64 {
		s := lower.Shape{Limbs: limbs, Special: special}
		return int64(s.Digits()) * 2 * int64(limbs+special) * 8 << p.logN
	}
	var sum int64
	for _, limbs := range p.needs.Rotations {
		sum += size(limbs)
	}
	if p.needs.Relin > 0 {
		sum += size(p.needs.Relin)
	}
	return sum
}
