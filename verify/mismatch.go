package verify

import "fmt"

// Err is nil if the encrypted stage agrees with the integers, or an error that wraps
// ErrMismatch and names the first that does not: an exact back end must agree on every
// logit, an approximate one must stay within its stated bound, and may answer otherwise
// only where it says that it is undecided. Samples with a wrong
// entry may differ, if there are no more decryption failures than predicted (see
// CheckLookups).
func (r *Report) Err() error {
	if p := r.Precision; p != nil && p.Outside > 0 {
		m := p.FirstOutside
		return fmt.Errorf("%w by more than the stated bound: %d of them, first at %s %d, logit %d: integer %s, encrypted %s",
			ErrMismatch, p.Outside, r.Unit().One, m.Image, m.Logit, m.Want, m.Got)
	}
	if p := r.Precision; p != nil && p.DecidedFlips > 0 {
		for _, f := range p.Flips {
			if !f.Undecided {
				return fmt.Errorf("%w: %d answers differ that are no near ties, first of %s %d: integer %d, encrypted %d",
					ErrMismatch, p.DecidedFlips, r.Unit().One, f.Image, f.Integer, f.Encrypted)
			}
		}
	}
	if r.LogitMismatches == r.Explained {
		if r.Lookups != nil {
			return CheckLookups(r.Lookups)
		}
		return nil
	}
	m := r.FirstMismatch
	return fmt.Errorf("%w: %d of them, first at %s %d, logit %d: integer %s, encrypted %s",
		ErrMismatch, r.LogitMismatches-r.Explained, r.Unit().One, m.Image, m.Logit, m.Want, m.Got)
}
