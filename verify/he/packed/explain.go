package packed

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"qtool/verify/he/security"
)

// LogQP is log2 of the modulus with the special primes.
func (p *Plan) LogQP() float64 { return logProduct(p.params.Q(), p.params.P()) }

// SecurityBits is 128 where the standard's table vouches for it.
func (p *Plan) SecurityBits() int { return security.Estimate(p.logN, p.LogQP()) }

func (p *Plan) explain(rejected []string) {
	limit, _ := security.MaxLogQP(p.logN)
	out := p.program.Output()
	say := func(format string, args ...any) { p.why = append(p.why, fmt.Sprintf(format, args...)) }
	for _, r := range rejected {
		say("%s", r)
	}
	if security.Check(p.logN, p.LogQP()) == nil {
		say("a ring of degree 2^%d allows %.0f bits at %d bits of security, and this has %.1f", p.logN, limit, security.Bits, p.LogQP())
	} else {
		say("INSECURE: a ring of degree 2^%d allows %.0f bits at %d bits of security, this has about %d; it was asked for", p.logN, limit, security.Bits, p.SecurityBits())
	}
	say("values have scale 2^%d and the last weights 2^%d; %d primes of ciphertexts, %d special ones", p.message, p.weight, len(p.params.Q()), len(p.params.P()))
	say("six standard deviations of the predicted error are 2^%.1f of the largest output that calibration made, where 2^-%.1f is asked for", -p.Bits(), p.options.Bits)
	say("the output %q may reach 2^%.1f times what calibration made of it; there is room for that", out.Name, math.Log2(largest(p, true)[len(p.values)-1]))
	say("%d input ciphertexts, %d rotations in the key set, predicted %.1f ms an image", p.lowered.Stages[0].Map.Cts, len(p.needs.rotations), 1000*p.Predicted())
}

// planVersion counts changes of what a plan means.
const planVersion = 1

// seal computes the plan's hash: of everything that client and server must
// agree on, the program's fused maps among it.
func (p *Plan) seal() error {
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
	write("qtool packed plan", planVersion, p.logN, p.params.Q(), p.params.P(), p.message, p.weight, p.units)
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
	}
	copy(p.hash[:], h.Sum(nil))
	return nil
}
