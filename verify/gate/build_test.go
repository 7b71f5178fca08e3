package gate

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/he"
	"qtool/verify"
)

// hash is 64 hexadecimal digits that depend on a letter only.
func hash(digit string) string { return strings.Repeat(digit, 64) }

// testReport is a complete and consistent report of n images. Every 10th image
// is wrong on all stages, and every 50th in float only.
func testReport(n int) *verify.Report {
	r := rand.New(rand.NewPCG(1, 2))
	a := verify.Answers{}
	for i := range n {
		label := r.IntN(10)
		answer := label
		if i%10 == 9 {
			answer = (label + 1) % 10
		}
		float := answer
		if i%50 == 1 {
			float = (label + 2) % 10
		}
		a.Labels, a.Float = append(a.Labels, label), append(a.Float, float)
		a.Integer, a.Margins = append(a.Integer, answer), append(a.Margins, float32(r.IntN(1000))/2000)
	}
	a.Quantized, a.Encrypted = slices.Clone(a.Integer), slices.Clone(a.Integer)
	report := &verify.Report{
		Schema: verify.ReportSchema, Recipe: "tiny", Seed: 1, Dataset: "dots", DatasetSHA256: hash("d"), BundleSHA256: hash("b"),
		Images: n, TestImages: n, IntegerLogitsSHA256: hash("1"), Answers: a,
		Backend: &verify.Backend{Backend: he.Backend{Name: "bgv", PlaintextModuli: []uint64{65537}, SecurityBits: 128}, NoiseBitsLeft: 7.5},
		Seconds: verify.Seconds{Integer: 2, Keygen: 1, Encrypt: 3, Evaluate: 15, Decrypt: 1},
		Bytes:   verify.Bytes{Bundle: 4000, CiphertextIn: 800, CiphertextOut: 200, Keys: 100},
		Layers: []verify.Layer{
			{Name: "fc1", Op: bundle.KindDense, Range: bundle.NewRange(-70000, 70000), Seen: bundle.NewRange(-5, 5)},
			{Name: "fc2", Op: bundle.KindDense, Range: bundle.NewRange(-30000, 30000), Seen: bundle.NewRange(-5, 5)},
		},
	}
	return restate(report)
}

// restate makes a report's figures follow from its answers again.
func restate(r *verify.Report) *verify.Report {
	a := &r.Answers
	score := func(p verify.Predictions) *float64 {
		if p == nil {
			return nil
		}
		return pointer(accuracy(a.Labels, p))
	}
	r.Accuracy = verify.Accuracy{Float: score(a.Float), Quantized: score(a.Quantized), Integer: score(a.Integer), Encrypted: score(a.Encrypted)}
	if n := len(a.Encrypted); n > 0 && n < len(a.Integer) {
		r.Accuracy.IntegerOnEncrypted = pointer(accuracy(a.Labels, a.Integer[:n]))
	}
	count := func(p, q verify.Predictions) int {
		n := min(len(p), len(q))
		return differences(p[:n], q[:n])
	}
	r.ArgmaxFlips = verify.Flips{
		FloatInteger: count(a.Float, a.Integer), QuantizedInteger: count(a.Quantized, a.Integer), IntegerEncrypted: count(a.Integer, a.Encrypted),
	}
	return r
}

// spoil makes the first count images that are right wrong on every stage; gain
// makes the last ones that are wrong right.
func spoil(r *verify.Report, count int) { turn(r, count, true) }
func gain(r *verify.Report, count int)  { turn(r, count, false) }

func turn(r *verify.Report, count int, right bool) {
	a := &r.Answers
	for k := range a.Labels {
		i := k
		if !right {
			i = len(a.Labels) - 1 - k
		}
		label := a.Labels[i]
		if count == 0 || (a.Integer[i] == label) != right || (a.Float[i] == label) != right {
			continue
		}
		to := label
		if right {
			to = (label + 3) % 10
		}
		a.Float[i], a.Quantized[i], a.Integer[i], a.Encrypted[i] = to, to, to, to
		count--
	}
	if count != 0 {
		panic(fmt.Sprintf("%d images too few", count))
	}
	restate(r)
}

// keep cuts a report to its first n images, of a test set that stays whole.
func keep(r *verify.Report, n int) {
	a := &r.Answers
	for _, p := range []*verify.Predictions{&a.Labels, &a.Float, &a.Quantized, &a.Integer, &a.Encrypted} {
		*p = (*p)[:n]
	}
	a.Margins, r.Images = a.Margins[:n], n
	restate(r)
}

// encryptFirst leaves the first n images encrypted, and all answered.
func encryptFirst(r *verify.Report, n int) {
	r.Answers.Encrypted, r.Images = r.Answers.Encrypted[:n], n
	restate(r)
}

func mustUpdate(t testing.TB, old *Baseline, r *verify.Report) *Baseline {
	t.Helper()
	b, err := Update(old, r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// clone is a deep copy, by way of the file.
func clone(t testing.TB, r *verify.Report) *verify.Report {
	t.Helper()
	raw, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	c, err := DecodeReport(raw)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
