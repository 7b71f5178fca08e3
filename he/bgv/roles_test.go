package bgv

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
	lattigo "github.com/tuneinsight/lattigo/v5/schemes/bgv"

	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/internal/batch"
	"qtool/he/internal/hetest"
	"qtool/he/internal/log2"
	"qtool/he/internal/primes"
	"qtool/he/internal/rolestest"
	"qtool/kernel/cpu"
)

// TestServerHoldsNoSecretKey walks every type that a Server, a Plan or a
// ciphertext container reaches.
func TestServerHoldsNoSecretKey(t *testing.T) {
	rolestest.NoSecret(t, reflect.TypeFor[rlwe.SecretKey](), reflect.TypeFor[Client](),
		reflect.TypeFor[Server](), reflect.TypeFor[evaluation](), reflect.TypeFor[Plan](), reflect.TypeFor[publicKeys](), reflect.TypeFor[he.Result]())
}

// TestInsecureLattigoReadsOurCiphertexts decrypts inputs and logits with
// Lattigo's own decryptor and encoder.
func TestInsecureLattigoReadsOurCiphertexts(t *testing.T) {
	b := bundletest.New(8, 4, 1, 6, 6).Conv(2, 3, 1, 0, 7).Square().Pool(2, 2).Dense(3, 7)
	p := b.Done()
	plan := mustPlan(t, p, insecureOptions(10, 2))
	samples := b.Samples(plan.Slots())
	client := generate(plan.half)
	server := newEvaluator(plan)
	ctx := context.Background()
	for prime, modulus := range plan.PlaintextModuli() {
		params, err := lattigo.NewParameters(plan.params, modulus)
		if err != nil {
			t.Fatal(err)
		}
		decode := func(ct *rlwe.Ciphertext) []uint64 {
			ct.IsBatched = false
			ct.Scale = params.NewScale(1)
			coeffs := make([]uint64, plan.Slots())
			if err := lattigo.NewEncoder(params).Decode(rlwe.NewDecryptor(params, client.secret).DecryptNew(ct), coeffs); err != nil {
				t.Fatal(err)
			}
			plan.rings[prime].SubRings[0].NTT(coeffs, coeffs)
			return coeffs
		}
		var in, again ciphertexts
		var out ciphertexts
		if err := client.encryptBatch(ctx, samples, prime, newSeeds(), &in); err != nil {
			t.Fatal(err)
		}
		var cts []*rlwe.Ciphertext
		for i := range in.elements {
			cts = append(cts, in.ciphertext(plan, i))
		}
		for _, i := range []int{0, 17, 35} {
			for k, got := range decode(in.ciphertext(plan, i)) {
				if want := samples[k].Vec().Small[i]; got != uint64(want) {
					t.Fatalf("prime %d, input %d, sample %d: want %d, got %d", modulus, i, k, want, got)
				}
			}
		}
		// A round trip through Lattigo's type changes nothing.
		again.setCiphertexts(plan, prime, cts)
		if !reflect.DeepEqual(in.limbs, again.limbs) {
			t.Fatal("ciphertexts changed on their way through rlwe.Ciphertext")
		}
		if err := server.evaluate(ctx, &again, &out); err != nil {
			t.Fatal(err)
		}
		residues, _, err := client.residues(ctx, &out, nil)
		if err != nil {
			t.Fatal(err)
		}
		scale := plan.scale(prime, len(plan.circuit.segments))
		for i := range out.elements {
			for k, got := range decode(out.ciphertext(plan, i)) {
				if want := mulMod(residues[i][k], scale, modulus); got != want {
					t.Fatalf("prime %d, logit %d, sample %d: want %d, got %d", modulus, i, k, want, got)
				}
			}
		}
	}
}

// TestInsecureExhaustedNoiseIsAnError takes bits from the last level until the
// noise wraps: the client must say so each time, or be right.
func TestInsecureExhaustedNoiseIsAnError(t *testing.T) {
	b := bundletest.New(9, 4, 1, 6, 6).Conv(2, 3, 1, 0, 7).Square().Dense(3, 7).Square()
	p := b.Done()
	good := mustPlan(t, p, insecureOptions(10, 1))
	samples := b.Samples(200)
	exhausted := 0
	for cut := 0; cut <= 24; cut += 2 {
		l := *good.layout
		l.drops = append([]int(nil), l.drops...)
		l.drops[len(l.drops)-1] = 0
		last := l.lastLevel()
		bits := int(log2.Product(l.q[:last])/float64(last)+0.5) - cut/last
		short, err := primes.New(l.logN, l.t[0]).Several(last, bits)
		if err != nil {
			t.Fatal(err)
		}
		l.q = append(short, l.q[last:]...)
		plan, err := build(p, good.circuit, &l, 0, cpu.Active)
		if err != nil {
			t.Fatal(err)
		}
		result, err := NewExecutor(p, plan).Run(context.Background(), samples, nil)
		var noise *batch.NoiseError
		switch {
		case errors.As(err, &noise):
			exhausted++
			if result != nil || noise.BitsLeft >= batch.MinNoiseBits || !strings.Contains(err.Error(), "bgv: logit ") {
				t.Errorf("%d bits cut: result %v with %v", cut, result, err)
			}
		case err != nil:
			t.Fatal(err)
		default:
			bundletest.CheckExact(t, p, samples, hetest.Exact(t, result))
			if exhausted > 0 {
				t.Errorf("%d bits cut: noise left %.2f bits after an exhausted budget", cut, hetest.NoiseLeft(t, result))
			}
		}
	}
	if exhausted == 0 || exhausted > 8 {
		t.Errorf("%d cuts exhaust the budget", exhausted)
	}
}
