package packed

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"runtime"
	"sync"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
	"github.com/tuneinsight/lattigo/v5/schemes/bgv"

	"qtool/bundle"
	"qtool/he/internal/guard"
	"qtool/he/internal/sample"
	"qtool/he/internal/secret"
	"qtool/he/packed/engine"
	"qtool/he/wire"
	"qtool/internal/elementary"
	"qtool/internal/parallel"
)

// exactEncoder encodes residues modulo the plaintext prime: centred, times T^-1
// as a summand, times the factor as a product.
func exactEncoder(params bgv.Parameters) func() encoder[uint64] {
	return func() encoder[uint64] {
		e := bgv.NewEncoder(params)
		t := params.PlaintextModulus()
		f := residues{t}
		slots := make([]uint64, params.N())
		m := ring.NewPoly(params.N(), 0)
		return func(values []uint64, limbs int, extended, sum bool, factor uint64) (engine.Poly, error) {
			for i := range slots {
				slots[i] = f.mul(values[i%len(values)], factor)
			}
			if err := e.EncodeRingT(slots, rlwe.NewScale(1), m); err != nil {
				return nil, err
			}
			subs := append([]*ring.SubRing{}, params.RingQ().SubRings[:limbs]...)
			if extended {
				subs = append(subs, params.RingP().SubRings...)
			}
			out := make(engine.Poly, len(subs))
			for i, s := range subs {
				out[i] = make([]uint64, params.N())
				lift(m.Coeffs[0], t, s.Modulus, out[i])
				s.NTT(out[i], out[i])
				if sum {
					s.MulScalarMontgomery(out[i], ring.MForm(ring.ModExp(t%s.Modulus, s.Modulus-2, s.Modulus), s.Modulus, s.BRedConstant), out[i])
				} else {
					s.MForm(out[i], out[i])
				}
			}
			return out, nil
		}
	}
}

// lift writes the centred residues modulo t of x modulo q.
func lift(x []uint64, t, q uint64, out []uint64) {
	wrap := q - t%q
	for k, v := range x {
		if v > t/2 {
			v = v%q + wrap
		}
		out[k] = v % q
	}
}

// ExactInputs are a sample's ciphertexts for one plaintext prime, ExactOutputs
// its outputs'.
type ExactInputs struct {
	Prime int
	ciphertexts
}

// ExactOutputs are what the server gives back; see ExactInputs.
type ExactOutputs struct {
	Prime int
	ciphertexts
}

// ExactClient owns the secret key of an exact evaluation.
type ExactClient struct {
	guard.Secret[ExactClient]
	*exactClient
}

// exactClient is what an ExactClient holds.
type exactClient struct {
	plan   *ExactPlan
	id     wire.KeyID
	secret *rlwe.SecretKey
	tools  []sync.Pool // of *tools, for each plaintext prime
}

// NewExactClient generates a secret key: uniform ternary, from a stream that the
// operating system seeds.
func NewExactClient(p *ExactPlan) *ExactClient {
	c := &ExactClient{exactClient: &exactClient{p, wire.NewKeyID(), secret.NewFromSystem(p.fastRing()), make([]sync.Pool, len(p.t))}}
	for k := range c.tools {
		c.tools[k].New = func() any { return newTools(exactEncoder(p.fast()[k])(), p.fastRing(), c.secret, sample.NewSeed()) }
	}
	return c
}

// EvaluationKeys generates the evaluation keys, which serve all plaintext primes.
func (c *ExactClient) EvaluationKeys(ctx context.Context) (*EvaluationKeys, error) {
	return generateKeys(ctx, &c.plan.common, c.secret, c.id)
}

// Encrypt packs and encrypts a sample for one plaintext prime; see
// Client.Encrypt.
func (c *ExactClient) Encrypt(ctx context.Context, s bundle.Sample, prime int) (*ExactInputs, error) {
	p := c.plan
	if prime < 0 || prime >= len(p.t) {
		return nil, fmt.Errorf("packed: plaintext prime %d of %d", prime, len(p.t))
	}
	if err := p.program.Input.CheckSamples([]bundle.Sample{s}); err != nil {
		return nil, fmt.Errorf("packed: %w", err)
	}
	views := p.lowered.Views
	in := &ExactInputs{prime, ciphertexts{p.hash, c.id, make([]engine.Ciphertext, len(views)), 1}}
	pool := &c.tools[prime]
	err := parallel.With(ctx, runtime.GOMAXPROCS(0), len(views), func() *tools[uint64] { return pool.Get().(*tools[uint64]) }, func(t *tools[uint64], v int) (err error) {
		in.cts[v], err = t.encrypt(&p.common, c.slots(views[v], s, prime), 1)
		return err
	}, func(t *tools[uint64]) { pool.Put(t) })
	if err != nil {
		return nil, err
	}
	return in, nil
}

func (c *ExactClient) slots(view []int32, s bundle.Sample, prime int) []uint64 {
	f := residues{c.plan.t[prime]}
	slots := make([]uint64, len(view))
	for k, e := range view {
		if e >= 0 {
			slots[k] = f.integer(int64(s[e]))
		}
	}
	return slots
}

// minBudget is the noise budget below which results are refused, in bits.
const minBudget = 1

// Decrypt gives the outputs modulo the plaintext prime, and log2 of how often the
// worst noise fits below the wrap-around. Below one bit it is an error.
func (c *ExactClient) Decrypt(ctx context.Context, out *ExactOutputs) (residue []uint64, left float64, err error) {
	p := c.plan
	read := p.lowered.Outputs()
	limbs := p.outLimbs()
	if out.Prime < 0 || out.Prime >= len(p.t) {
		return nil, 0, fmt.Errorf("packed: outputs for plaintext prime %d of %d", out.Prime, len(p.t))
	}
	if err := out.check(&p.common, c.id, read.Cts, limbs, 1); err != nil {
		return nil, 0, err
	}
	params := p.fast()[out.Prime]
	t := p.t[out.Prime]
	encoder := bgv.NewEncoder(params)
	decryptor := rlwe.NewDecryptor(p.fastRing(), c.secret)
	r := p.fastRing().RingQ().AtLevel(limbs - 1)
	last := &p.values[out.Prime][len(p.lowered.Stages)-1]
	f := residues{t}
	back := p.outFactor(out.Prime)
	residue, left = make([]uint64, len(last.gain)), math.Inf(1)
	for k, from := range out.cts {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		ct := rlwe.NewCiphertext(p.ring, 1, limbs-1)
		for h := range ct.Value {
			for i := range from[h] {
				copy(ct.Value[h].Coeffs[i], from[h][i])
			}
		}
		ct.IsNTT = true
		phase := decryptor.DecryptNew(ct).Value
		r.INTT(phase, phase)
		left = min(left, budget(r, phase, t))
		m := ring.NewPoly(params.N(), 0)
		encoder.RingQ2T(limbs-1, true, phase, m)
		slots := make([]uint64, params.N())
		if err := encoder.DecodeRingT(m, rlwe.NewScale(1), slots); err != nil {
			return nil, 0, fmt.Errorf("packed: decoding: %w", err)
		}
		for o := range residue {
			if int(read.Ct[o]) == k {
				residue[o] = f.add(f.mul(last.gain[o], f.mul(back, slots[read.Slot[o]])), last.offset[o])
			}
		}
	}
	if left < minBudget {
		return nil, 0, fmt.Errorf("packed: the noise leaves %.1f bits below the wrap-around, at least %d are needed for a certain result", left, minBudget)
	}
	return residue, left, nil
}

// budget is log2 of Q/2 over the largest coefficient of T times the phase.
func budget(r *ring.Ring, phase ring.Poly, t uint64) float64 {
	scaled := r.NewPoly()
	r.MulScalar(phase, t, scaled)
	big1 := make([]*big.Int, r.N())
	for i := range big1 {
		big1[i] = new(big.Int)
	}
	r.PolyToBigintCentered(scaled, 1, big1)
	worst := big.NewInt(1)
	for _, v := range big1 {
		if v.CmpAbs(worst) > 0 {
			worst.Abs(v)
		}
	}
	ratio := new(big.Float).Quo(new(big.Float).SetInt(r.ModulusAtLevel[r.Level()]), new(big.Float).SetInt(worst))
	x, _ := ratio.Float64()
	return elementary.Log2(x) - 1
}

// Join lifts residues modulo every plaintext prime to the integers of the
// output's static bound. It returns an error for what lies outside it.
func (p *ExactPlan) Join(all [][]uint64) (bundle.Vec, error) {
	product := big.NewInt(1)
	for _, t := range p.t {
		product.Mul(product, new(big.Int).SetUint64(t))
	}
	r := p.program.Output().Range
	out := make([]*big.Int, len(all[0]))
	for o := range out {
		x := new(big.Int)
		for k, t := range p.t {
			m := new(big.Int).SetUint64(t)
			rest := new(big.Int).Div(product, m)
			inv := new(big.Int).ModInverse(new(big.Int).Mod(rest, m), m)
			inv.Mul(inv, new(big.Int).SetUint64(all[k][o])).Mod(inv, m)
			x.Add(x, inv.Mul(inv, rest))
		}
		// The representative from Lo on.
		x.Sub(x, r.Lo).Mod(x, product).Add(x, r.Lo)
		if x.Cmp(r.Hi) > 0 {
			return bundle.Vec{}, fmt.Errorf("packed: output %d is %v, outside the static bound %v", o, x, r)
		}
		out[o] = x
	}
	return bundle.NewVec(out), nil
}

// ExactServer evaluates the program modulo every plaintext prime. It knows the
// plan, the program and evaluation keys, never a secret key.
type ExactServer struct {
	plan    *ExactPlan
	servers []evaluator
}

// NewExactServer encodes the program's weights modulo every plaintext prime.
func NewExactServer(ctx context.Context, p *ExactPlan) (*ExactServer, error) {
	s := &ExactServer{plan: p}
	for k, t := range p.t {
		prog, err := compile(ctx, p.values[k], p.scales[k], exactEncoder(p.fast()[k]))
		if err != nil {
			return nil, err
		}
		e, err := newEvaluator(&p.common, prog, t)
		if err != nil {
			return nil, err
		}
		s.servers = append(s.servers, e)
	}
	return s, nil
}

// Evaluate gives the encrypted outputs of in; see Server.Evaluate.
func (s *ExactServer) Evaluate(ctx context.Context, in *ExactInputs, keys *EvaluationKeys) (*ExactOutputs, error) {
	if in == nil || in.Prime < 0 || in.Prime >= len(s.servers) {
		return nil, fmt.Errorf("packed: inputs for no plaintext prime of the plan")
	}
	out, err := s.servers[in.Prime].evaluate(ctx, &in.ciphertexts, keys, 1, 1)
	if err != nil {
		return nil, err
	}
	return &ExactOutputs{in.Prime, *out}, nil
}
