package tfhe

import (
	"context"
	"math"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	"github.com/tuneinsight/lattigo/v5/ring"
)

func mustParameters(t testing.TB, l ParametersLiteral) *Parameters {
	t.Helper()
	p, err := NewParameters(l)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestRotate(t *testing.T) {
	const q, n = 97, 16
	src := make([]uint64, n)
	for i := range src {
		src[i] = uint64(i * 5 % q)
	}
	dst := make([]uint64, n)
	for by := range 2*n + 1 {
		rotate(dst, src, by, q)
		for i, x := range src {
			at := (i + by) % (2 * n)
			want := x
			if at >= n {
				at, want = at-n, (q-x)%q
			}
			if dst[at] != want {
				t.Fatalf("X^%d: coefficient %d is %d, want %d", by, at, dst[at], want)
			}
		}
	}
}

// The key switch's digits make the word again, and have the mean and mean square
// that the noise analysis says, in six standard errors.
func TestDigits(t *testing.T) {
	rng := seeded(3)
	l := testInsecureLiteral()
	l.LogSmallQ = 31
	for _, s := range []Digits{{1, 12}, {2, 7}, {3, 6}, {8, 3}, {16, 1}} {
		l.Switch = s
		p := mustParameters(t, l)
		digits := make([]int32, s.Levels)
		sum, square, n := make([]float64, s.Levels), make([]float64, s.Levels), 20000
		for range n {
			x := rng.Uint32()
			p.digits(digits, x)
			back := 0.0
			for j, d := range digits {
				if half := int32(1) << (s.Base - 1); d < -half || d > half {
					t.Fatalf("%v: digit %d of %#x is %d", s, j, x, d)
				}
				back += float64(d) * math.Exp2(-float64(s.Base*(j+1)))
				sum[j] += float64(d)
				square[j] += float64(d) * float64(d)
			}
			if off := wrap(back - float64(x)*math.Exp2(-32)); math.Abs(off) > math.Exp2(-float64(s.bits()))/2 {
				t.Fatalf("%v: digits %v of %#x are off by %g", s, digits, x, off)
			}
		}
		for _, x := range []uint32{0, 1, math.MaxUint32, 1 << 31, 1<<31 - 1, 1<<31 + 1, 0x55555555, 0xaaaaaaaa} {
			p.digits(digits, x)
			back := 0.0
			for j, d := range digits {
				back += float64(d) * math.Exp2(-float64(s.Base*(j+1)))
			}
			if off := wrap(back - float64(x)*math.Exp2(-32)); math.Abs(off) > math.Exp2(-float64(s.bits()))/2 {
				t.Errorf("%v: digits %v of %#x are off by %g", s, digits, x, off)
			}
		}
		for j := range digits {
			e := 6 * math.Sqrt(digitSquare(s.Base)/float64(n))
			if mean := sum[j] / float64(n); math.Abs(mean) > e {
				t.Errorf("%v: digit %d has mean %g, want 0 within %g", s, j, mean, e)
			}
			if got, want := square[j]/float64(n), digitSquare(s.Base); math.Abs(got/want-1) > 6*math.Sqrt(2/float64(n)) {
				t.Errorf("%v: digit %d has mean square %g, want %g", s, j, got, want)
			}
		}
	}
}

// Phases go through key switch and rounding with no more noise than predicted
// for ten deviations.
func TestInsecureKeySwitch(t *testing.T) {
	rng := seeded(2)
	l := testInsecureLiteral()
	for _, c := range []struct{ logSmallQ, base, levels int }{{20, 4, 4}, {31, 16, 1}, {31, 8, 3}, {24, 2, 12}, {18, 1, 14}} {
		l.LogSmallQ, l.Switch.Base, l.Switch.Levels = c.logSmallQ, c.base, c.levels
		p := mustParameters(t, l)
		k := NewSecretKey(p)
		keys, err := k.evaluationKeys(context.Background(), [32]byte{}, 2)
		if err != nil {
			t.Fatal(err)
		}
		cts := p.newBigKeys(3)
		in := make([]smallKey, len(cts))
		acc := make([][]uint32, len(cts))
		for i, ct := range cts {
			for j := range ct {
				ct[j] = rng.Uint32()
			}
			if i == 0 {
				for j := range ct {
					ct[j] = math.MaxUint32 // carries in every digit
				}
			}
			in[i] = make(smallKey, p.Dimension+1)
			acc[i] = in[i]
		}
		keys.keySwitch(acc, cts)
		for i, ct := range cts {
			p.round(acc[i])
			position := in[i][p.Dimension]
			for j, s := range k.smallKey {
				position += in[i][j] * uint32(s)
			}
			got := (float64(position&uint32(2*p.N()-1)) + 0.5) / float64(2*p.N())
			want := float64(k.phase(ct)) * math.Exp2(-32)
			if off, limit := wrap(got-want), 10*math.Sqrt(p.switched()+p.rounded()); math.Abs(off) > limit || limit > 0.2 {
				t.Errorf("%+v: phase %.6f becomes %.6f, 10 deviations are %.6f", c, want, got, limit)
			}
		}
	}
}

// Lattigo's own decryptor reads our ring ciphertexts: the encryption of zero, an
// input, and the rows of the rotation key.
func TestInsecureLattigoReadsOurCiphertexts(t *testing.T) {
	plan := smallPlan(t)
	p := plan.params
	params, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: p.LogN, Q: []uint64{p.q}, NTTFlag: true})
	if err != nil {
		t.Fatal(err)
	}
	c, _, keys := parties(t, plan)
	sk := rlwe.NewSecretKey(params)
	copy(sk.Value.Q.Coeffs[0], c.secret.ntt)
	phase := func(c0, c1 []uint64, isNTT bool) []uint64 {
		ct := rlwe.NewCiphertext(params, 1, 0)
		copy(ct.Value[0].Coeffs[0], c0)
		copy(ct.Value[1].Coeffs[0], c1)
		ct.IsNTT = isNTT
		pt := rlwe.NewDecryptor(params, sk).DecryptNew(ct)
		if pt.IsNTT {
			params.RingQ().INTT(pt.Value, pt.Value)
		}
		return pt.Value.Coeffs[0]
	}
	near := func(what string, got, want uint64) {
		if d := p.centre(ring.CRed(got+p.q-want, p.q)); math.Abs(float64(d)) > sigmaBound {
			t.Errorf("%s: phase %d, want %d", what, got, want)
		}
	}
	sample := plan.program.Input.Samples([][]uint8{{0, 255, 255, 0, 255, 0}})[0]
	in, err := c.encrypt(sample)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range phase(in.parts[0][0], in.parts[0][1], false)[:len(sample)] {
		near("input", x, p.encode(int64(sample[i]), 2*int64(plan.layers[0].half)))
	}
	r := p.ring.SubRings[0]
	for at := range p.indicators() {
		i, b := at>>p.Group, at&(1<<p.Group-1)
		pattern := 0
		for k, bit := range c.secret.smallKey[i*p.Group:][:p.bitsOf(i)] {
			pattern |= int(bit) << k
		}
		for row := range p.rows() {
			c0, c1 := make([]uint64, p.N()), make([]uint64, p.N())
			r.IMForm(keys.row(i, b, row, 0), c0)
			r.IMForm(keys.row(i, b, row, 1), c1)
			got := phase(c0, c1, true)
			for x, v := range got {
				want := uint64(0)
				if b == pattern {
					component, power := p.place(row)
					g := uint64(1) << power
					switch {
					case component == 0 && x == 0:
						want = g
					case component == 1: // times S
						want = ring.MRed(g, ring.MForm(p.residue(int64(c.secret.bigKey[x])), p.q, r.BRedConstant), p.q, r.MRedConstant)
					}
				}
				near("rotation key", v, want)
			}
		}
	}
}

func TestEncodings(t *testing.T) {
	p := mustParameters(t, testInsecureLiteral())
	for _, c := range []struct{ num, den int64 }{{0, 7}, {1, 3}, {-1, 3}, {5, 4}, {1<<40 + 1, 1 << 29}, {-1 << 40, 999999937}} {
		want := math.Mod(float64(c.num)/float64(c.den), 1)
		if d := wrap(float64(phaseOf(c.num, c.den))*math.Exp2(-32) - want); math.Abs(d) > math.Exp2(-32) {
			t.Errorf("%d/%d is the word %d, off by %g", c.num, c.den, phaseOf(c.num, c.den), d)
		}
		x := p.encode(c.num, c.den)
		if d := wrap(float64(x)/float64(p.q) - want); math.Abs(d) > 1e-12 || x >= p.q {
			t.Errorf("%d/%d is the residue %d, off by %g", c.num, c.den, x, d)
		}
		if d := wrap(float64(p.toWord(x))*math.Exp2(-32) - want); math.Abs(d) > math.Exp2(-32) {
			t.Errorf("%d/%d becomes the word %d, off by %g", c.num, c.den, p.toWord(x), d)
		}
	}
	if p.toWord(p.q-1) != 0 { // rounds up to one
		t.Errorf("the largest residue is the word %d", p.toWord(p.q-1))
	}
}
