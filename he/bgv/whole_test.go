package bgv

import (
	"context"

	"qtool/bundle"
)

// encryptBatch makes all limbs of the inputs of one plaintext prime.
func (c *client) encryptBatch(ctx context.Context, samples []bundle.Sample, prime int, s *seeds, in *ciphertexts) error {
	if err := c.checkSamples(samples); err != nil {
		return err
	}
	d := newMessages()
	if err := c.draw(ctx, samples, prime, s, d, nil); err != nil {
		return err
	}
	in.prime = prime
	in.reset(c.Slots(), c.inputs, 1, len(c.Q))
	for limb := range c.Q {
		var one tensor
		if err := c.encryptLimb(ctx, d, limb, &one, nil); err != nil {
			return err
		}
		copy(in.limbs[limb], one.limbs[0])
	}
	return nil
}

// evaluate evaluates all limbs of inputs.
func (s *evaluator) evaluate(ctx context.Context, in, out *ciphertexts) error {
	for limb := len(in.limbs) - 1; limb >= 0; limb-- {
		s.input.reset(in.n, in.elements, in.degree, 1)
		copy(s.input.limbs[0], in.limbs[limb])
		if err := s.limb(ctx, in.prime, limb, out, nil); err != nil {
			return err
		}
	}
	return nil
}
