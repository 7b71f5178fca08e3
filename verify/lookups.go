package verify

import (
	"fmt"

	"qtool/he"
	"qtool/internal/elementary"
)

// implausible is the probability of so many decryption failures below which they are
// held for a defect.
const implausible = 1e-9

// CheckLookups returns an error that wraps ErrMismatch if there are more decryption
// failures than the predicted noise explains: if a Poisson distribution with the expected number
// has as many or more with a probability below 1e-9.
func CheckLookups(l *he.Lookups) error {
	if p := poissonTail(l.Expected, l.Missed); p < implausible {
		return fmt.Errorf("%w: %d decryption failures in %d look-ups where %.3g were expected, which has probability %.1g",
			ErrMismatch, l.Missed, l.Done, l.Expected, p)
	}
	return nil
}

// poissonTail is the probability of k or more events where mean are expected.
func poissonTail(mean float64, k int) float64 {
	if k == 0 {
		return 1
	}
	if mean <= 0 {
		return 0
	}
	term := func(i int) float64 {
		f := elementary.LogGamma(float64(i) + 1)
		return elementary.Exp(float64(float64(i)*elementary.Log(mean)) - mean - f)
	}
	sum := 0.0
	if float64(k) <= mean {
		for i := range k {
			sum += term(i)
		}
		return 1 - sum
	}
	for i := k; ; i++ {
		t := term(i)
		if sum += t; t <= sum*1e-17 {
			return sum
		}
	}
}
