package report

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"qtool/bundle"
)

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		n      int
		want   string
	}{
		{0, 1, 5, "[0 0.2 0.4 0.6 0.8 1] 1"},
		{98.39, 98.89, 5, "[98.4 98.5 98.6 98.7 98.8] 1"},
		{-7, 7, 7, "[-6 -4 -2 0 2 4 6] 0"},
		{0, 0.11, 5, "[0 0.05 0.1] 2"},
		{3, 3, 5, "[3] 2"},
	} {
		values, decimals := ticks(c.lo, c.hi, c.n)
		for i := range values {
			values[i] = math.Round(values[i]*1e9) / 1e9
		}
		if got := fmt.Sprint(values, decimals); got != c.want {
			t.Errorf("ticks of %v..%v: %s, want %s", c.lo, c.hi, got, c.want)
		}
	}
}

func TestSignedBits(t *testing.T) {
	for _, k := range []uint{0, 1, 3, 52, 900, 999, 1001, 4000} {
		q := new(big.Int).Lsh(big.NewInt(1), k)
		want := float64(k)
		if k < 60 {
			want = math.Log2(1 + math.Exp2(float64(k)))
		}
		if got := signedBitsBig(q); math.Abs(got-want) > 1e-9 {
			t.Errorf("2^%d: %v bits, want %v", k, got, want)
		}
		if got := signedBitsBig(q.Neg(q)); math.Abs(got+want) > 1e-9 {
			t.Errorf("-2^%d: %v bits, want %v", k, got, -want)
		}
	}
}

// TestActivationsWide counts integers at both ends of a range beyond float64.
func TestActivationsWide(t *testing.T) {
	hi := new(big.Int).Lsh(big.NewInt(1), 4000)
	lo := new(big.Int).Neg(hi)
	a := newActivations(bundle.Range{Lo: lo, Hi: hi})
	if n := len(a.bins); n > maxActivationBins+1 {
		t.Errorf("%d bins, want at most %d", n, maxActivationBins+1)
	}
	a.add(bundle.Vec{Big: []*big.Int{lo, hi, big.NewInt(0)}})
	if a.bins[0] != 1 || a.bins[len(a.bins)-1] != 1 || a.total != 3 {
		t.Errorf("bins %v of %v integers", a.bins, a.total)
	}
}

// TestWeightHistogram holds the bars against a count by hand, on a narrow grid
// and on one where a bar is several integers.
func TestWeightHistogram(t *testing.T) {
	codes := []int32{-7, -1, 0, 0, 0, 1, 7}
	f := weightHistogram(&bundle.Node{Name: "w", Bits: 4}, codes, nil)
	for _, want := range []string{"<title>-7: 1</title>", "<title>0: 3</title>", "<title>7: 1</title>"} {
		if !strings.Contains(string(f.Chart), want) {
			t.Errorf("no %s in the chart", want)
		}
	}
	wide := make([]int32, 0, 65535)
	for c := int32(-32767); c <= 32767; c++ {
		wide = append(wide, c)
	}
	f = weightHistogram(&bundle.Node{Name: "w", Bits: 16}, wide, nil)
	total := 0
	bars := regexp.MustCompile(`<title>-?\d+: ([\d,]+)</title>`).FindAllStringSubmatch(string(f.Chart), -1)
	for _, m := range bars {
		n, err := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	if total != len(wide) || len(bars) > maxWeightBars {
		t.Errorf("%d bars hold %d of %d weights", len(bars), total, len(wide))
	}
}

// TestSmooth demands that the density keeps its mass and its mean.
func TestSmooth(t *testing.T) {
	line := smooth([]float64{-1, 0, 0, 2}, 1, 10)
	mass, mean := 0.0, 0.0
	for i, v := range line {
		at := -10.5 + (float64(i)+0.5)/weightDetail
		mass += v / weightDetail
		mean += v / weightDetail * at / 4
	}
	// A point moves by up to half a step into its bin.
	if math.Abs(mass-4) > 1e-3 || math.Abs(mean-0.25) > 0.5/weightDetail+1e-3 {
		t.Errorf("mass %v and mean %v, want 4 and 0.25", mass, mean)
	}
}

func TestFormat(t *testing.T) {
	for got, want := range map[string]string{
		number(0): "0", number(999): "999", number(1000): "1,000", number(-1234567): "−1,234,567",
		percent(0.98765): "98.77" + nbsp + "%", fixed(-0.001, 2): "0.00", duration(0.00285): "2.85" + nbsp + "ms",
		duration(119.7): "2" + nbsp + "min 00" + nbsp + "s", duration(7300): "2" + nbsp + "h 01" + nbsp + "min", duration(0): "0" + nbsp + "ms",
		size(1023): "1,023" + nbsp + "B", size(1536): "1.5" + nbsp + "KiB", power(13): "2¹³", shape([]int{4, 24}): "4 × 24",
		interval(bundle.Range{}): "not known", interval(bundle.NewRange(-3, 4)): "[−3," + nbsp + "4]",
		shorten("conv1", 5): "conv1", shorten("conv12", 5): "conv…", plural(1, "a", "b"): "1 a", share(1, 3): "33.3 %",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
