package verify

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/he"
)

// first is a ladder of its first n images alone.
func (l Ladder) first(n int) Ladder {
	l.Labels, l.Float, l.Quantized, l.Integer = l.Labels[:n], l.Float[:n], l.Quantized[:n], l.Integer[:n]
	switch a := l.Encrypted.(type) {
	case he.Exact:
		l.Encrypted = a[:n]
	case he.Approximate:
		a.Reals = a.Reals[:n]
		l.Encrypted = a
	}
	l.EncryptedImages = 0
	return l
}

// What is said of encrypted images is what a ladder of these alone says; what is
// said of the other stages is what a ladder without encryption says.
func TestCompareFirstEncrypted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "images")
		k := rapid.IntRange(1, n).Draw(t, "encrypted")
		class, logit := rapid.IntRange(0, 2), rapid.Int64Range(-2, 2)
		l := Ladder{Output: &bundle.Node{Scale: []float64{0.5}}, EncryptedImages: k, Failed: []int{0}}
		exact, near := he.Exact{}, he.Approximate{Bound: []float64{1, 1, 1}, Usual: []float64{1, 1, 1}}
		approximate := rapid.Bool().Draw(t, "approximate")
		for i := range n {
			l.Labels = append(l.Labels, uint8(class.Draw(t, "label")))
			l.Float, l.Quantized = append(l.Float, class.Draw(t, "float")), append(l.Quantized, class.Draw(t, "quantized"))
			l.Integer = append(l.Integer, vec(logit.Draw(t, "a"), logit.Draw(t, "b"), logit.Draw(t, "c")))
			got := []int64{logit.Draw(t, "A"), logit.Draw(t, "B"), logit.Draw(t, "C")}
			switch {
			case i >= k:
			case approximate:
				near.Reals = append(near.Reals, []float64{float64(got[0]) / 2, float64(got[1]) / 2, float64(got[2]) / 2})
			default:
				exact = append(exact, vec(got...))
			}
		}
		l.Encrypted = exact
		if approximate {
			l.Encrypted = near
		}
		compare := func(l Ladder) *Comparison {
			c, err := l.Compare()
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		got, part := compare(l), compare(l.first(k))
		clear := l
		clear.Encrypted = nil
		want := compare(clear)
		want.Accuracy.Encrypted, want.Flips.IntegerEncrypted = part.Accuracy.Encrypted, part.Flips.IntegerEncrypted
		want.LogitMismatches, want.Explained, want.First, want.Precision = part.LogitMismatches, part.Explained, part.First, part.Precision
		want.Answers.Encrypted = part.Answers.Encrypted
		if k < n {
			want.Accuracy.IntegerOnEncrypted = part.Accuracy.Integer
		}
		// Margins are in units of the largest logit of all the images.
		if d := cmp.Diff(want, got, cmpopts.IgnoreFields(Flip{}, "Margin")); d != "" {
			t.Errorf("%d of %d images encrypted (-want +got):\n%s", k, n, d)
		}
	})
}

func TestCompareFirstEncryptedErrors(t *testing.T) {
	for _, c := range []struct {
		images int
		change func(*Ladder)
		want   string
	}{
		{3, func(*Ladder) {}, "verify: encrypted stage has 4 answers for 3 samples"},
		{3, func(l *Ladder) { l.Encrypted = exact(l)[:2] }, "encrypted stage has 2 answers for 3 samples"},
		{3, func(l *Ladder) { l.Integer = l.Integer[:3] }, "integer stage has 3 answers for 4 samples"},
		{3, func(l *Ladder) { l.Encrypted = he.Approximate{Reals: [][]float64{{1}}} }, "encrypted stage has 1 answers for 3 samples"},
		{5, func(*Ladder) {}, "5 of 4 samples encrypted"},
		{-1, func(*Ladder) {}, "-1 of 4 samples encrypted"},
	} {
		l := ladder()
		l.EncryptedImages = c.images
		c.change(l)
		got, err := l.Compare()
		if got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}
