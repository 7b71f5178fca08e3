package report

import (
	"fmt"
	"math/bits"
	"strings"
)

// parametersView is what the back end chose, and why.
type parametersView struct {
	Facts []fact
	Why   []string
}

func (in *Input) parameters() *parametersView {
	b := in.Report.Backend
	if b == nil {
		return nil
	}
	v := &parametersView{Why: b.Why, Facts: []fact{{Name: "back end", Value: b.Name}}}
	if b.LogN > 0 {
		v.Facts = append(v.Facts, fact{Name: "ring degree N", Value: power(b.LogN)})
	}
	if b.Slots > 0 {
		v.Facts = append(v.Facts, fact{Name: "slots", Value: number(b.Slots)})
	}
	if b.LogQP > 0 {
		v.Facts = append(v.Facts, fact{Name: "log QP", Value: fixed(b.LogQP, 1) + " bits"})
	}
	if b.SecurityBits > 0 {
		v.Facts = append(v.Facts, fact{Name: "security", Value: fmt.Sprintf("%d bits", b.SecurityBits)})
	}
	if len(b.CiphertextModuli) > 0 {
		v.Facts = append(v.Facts, fact{Name: "ciphertext primes", Value: primes(b.CiphertextModuli), Code: true})
	}
	if len(b.PlaintextModuli) > 0 {
		v.Facts = append(v.Facts, fact{Name: "plaintext primes", Value: primes(b.PlaintextModuli), Code: true})
	}
	for _, l := range b.Tables {
		v.Facts = append(v.Facts, fact{Name: "tables of " + l.Layer, Value: fmt.Sprintf("%s %s, up to %s values, %s microseconds each on one core",
			plural(l.PerSample, "look-up", "look-ups"), in.unit().A(), number(l.Domain), fixed(l.Microseconds, 1))})
	}
	if l := in.Report.Lookups; l != nil {
		v.Facts = append(v.Facts, fact{Name: "look-ups and logits", Value: fmt.Sprintf("%s, of which %s failed to decrypt (%.2g expected) and %s gave a wrong entry; %s ms a look-up",
			number(l.Done), number(l.Missed), l.Expected, number(l.Failed), fixed(l.Milliseconds, 1))})
	}
	return v
}

// primes is a list of moduli with the bits of each.
func primes(p []uint64) string {
	words := make([]string, len(p))
	for i, m := range p {
		words[i] = fmt.Sprintf("%d (%d"+nbsp+"bits)", m, bits.Len64(m))
	}
	return strings.Join(words, ", ")
}
