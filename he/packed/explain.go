package packed

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"qtool/he/internal/log2"
	"qtool/he/security"
	"qtool/internal/elementary"
)

// LogQP is log2 of the modulus with the special primes.
func (p *common) LogQP() float64 { return log2.Product(p.ring.Q(), p.ring.P()) }

// SecurityBits is 128 where the table of package security vouches for it.
func (p *common) SecurityBits() int { return security.Estimate(p.logN, p.LogQP()) }

// explainRing says what of the ring bound.
func (p *common) explainRing(rejected []string) {
	p.why = append(append(p.why, rejected...), security.Explain(p.logN, p.LogQP()))
	p.say("%d primes of ciphertexts, %d special ones; %d input ciphertexts, %d rotations in the key set",
		len(p.ring.Q()), len(p.ring.P()), len(p.lowered.Views), len(p.needs.Rotations))
}

// reasons are the plan's, and what predictions on this machine add.
func (p *common) reasons(seconds float64) []string {
	return append(slices.Clip(p.why), fmt.Sprintf("predicted evaluation is %.1f ms a sample", 1000*seconds))
}

func (p *common) say(format string, args ...any) { p.why = append(p.why, fmt.Sprintf(format, args...)) }

func (p *Plan) explain(rejected []string) {
	p.explainRing(rejected)
	p.say("values have scale 2^%d and the last weights 2^%d", p.message, p.weight)
	p.say("errors stay below 2^%.1f of the largest output that calibration made, with probability 1 - 2^-40 for inputs like those, where 2^-%.1f is asked for; for any input below 2^%.1f", -p.Bits(), p.options.Bits, elementary.Log2(sureness*slices.Max(p.proved.outputs)))
	p.say("the output %q may reach 2^%.1f times what calibration made of it; there is room for that", p.program.Output().Name, elementary.Log2(p.beyond(len(p.values)-1, &p.values[len(p.values)-1].stage.Segment)))
}

// planVersion counts changes of what a plan means.
const planVersion = 3

// seal computes the plan's hash: of everything that client and server must
// agree on, the program's fused maps among it.
func (p *common) seal(scheme string, q, special []uint64, more ...any) {
	h := sha256.New()
	write := func(v ...any) {
		for _, x := range v {
			switch x := x.(type) {
			case string:
				fmt.Fprintf(h, "%d:%s", len(x), x)
			case int:
				binary.Write(h, binary.LittleEndian, int64(x))
			default:
				binary.Write(h, binary.LittleEndian, x)
			}
		}
	}
	write("qtool packed plan", planVersion, scheme, p.logN, q, special)
	write(more...)
	for i := range p.lowered.Stages {
		st := &p.lowered.Stages[i]
		m := st.Map
		write(st.Name, m.Cts, m.Length, m.Step, m.Doublings, st.Split.Giant, st.Entry.Limbs, st.Rescale)
		write(m.Matrix.Start, m.Matrix.In, m.Matrix.W, st.Layout.Ct, st.Layout.Slot)
		for _, b := range m.Matrix.Bias {
			write(b.String())
		}
		for _, v := range m.Views {
			write(v)
		}
		for _, r := range append(append([]int{}, st.Rounds...), st.FoldRounds...) {
			write(r)
		}
		if st.Poly != nil {
			for _, row := range st.Poly.Coeffs {
				write(row)
			}
		}
		if f := st.Layout.Fold; f != nil {
			write(f.Ct, f.Slot, f.Step, f.Doublings)
		}
		if !p.lowered.Chain(i) {
			for _, r := range st.Reads {
				write("reads", r.Stage, r.View, r.Cts)
			}
		}
		if st.Product {
			write("product")
		}
	}
	copy(p.hash[:], h.Sum(nil))
}
