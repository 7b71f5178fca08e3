package bundle

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func bigInt(t testing.TB, s string) *big.Int {
	t.Helper()
	x, ok := new(big.Int).SetString(s, 0)
	if !ok {
		t.Fatalf("%q is no integer", s)
	}
	return x
}

// fits never says yes where a*b + c reaches 2^62, and says no only there.
func TestFits(t *testing.T) {
	edge := rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 1<<31 - 1, 1 << 31, 1<<62 - 1, 1 << 62, 1 << 63, math.MaxUint64}))
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := edge.Draw(t, "a"), edge.Draw(t, "b"), edge.Draw(t, "c")
		v := new(big.Int).Mul(new(big.Int).SetUint64(a), new(big.Int).SetUint64(b))
		v.Add(v, new(big.Int).SetUint64(c))
		if want := v.Cmp(big.NewInt(1<<62)) < 0; fits(a, b, c) != want {
			t.Fatalf("fits(%d, %d, %d) is %v, the sum is %v", a, b, c, !want, v)
		}
	})
}

func TestVec(t *testing.T) {
	wide := NewVec([]*big.Int{bigInt(t, "0x10000000000000003"), big.NewInt(-2)})
	if wide.Big == nil || wide.Len() != 2 || wide.Low64(0) != 3 || wide.Low64(1) != -2 || wide.Float(0) != 0x1p64 {
		t.Errorf("wide vector %v: low parts %d, %d", wide, wide.Low64(0), wide.Low64(1))
	}
	edges := NewVec([]*big.Int{big.NewInt(math.MinInt64), big.NewInt(math.MaxInt64)})
	if edges.Small == nil || edges.Low64(0) != math.MinInt64 {
		t.Errorf("%v is not small", edges)
	}
	if !edges.Equal(Vec{Big: edges.wide()}) || edges.Equal(wide) || edges.Equal(Vec{Small: edges.Small[:1]}) {
		t.Error("Equal does not compare integers")
	}
	if at := wide.FirstDifference(Vec{Big: []*big.Int{wide.At(0), big.NewInt(2)}}); at != 1 {
		t.Errorf("first difference at %d, want 1", at)
	}
	wide.At(0).SetInt64(0)
	if wide.Low64(0) != 3 {
		t.Error("At gives away the vector's own integer")
	}
	if got := maxAbs([]int64{-5, 3, math.MinInt64}); got != 1<<63 {
		t.Errorf("largest magnitude %d, want 2^63", got)
	}
}

func TestRange(t *testing.T) {
	for _, c := range []struct {
		lo, hi string
		bits   int
		maxAbs string
		json   string
	}{
		{"0", "0", 1, "0", "[0,0]"},
		{"0", "1", 2, "1", "[0,1]"},
		{"-1", "0", 1, "1", "[-1,0]"},
		{"-128", "127", 8, "128", "[-128,127]"},
		{"-129", "127", 9, "129", "[-129,127]"},
		{"-128", "128", 9, "128", "[-128,128]"},
		{"5", "7", 4, "7", "[5,7]"},
		{"-9223372036854775809", "0", 65, "9223372036854775809", "[-9223372036854775809,0]"},
	} {
		r := Range{bigInt(t, c.lo), bigInt(t, c.hi)}
		if r.Bits() != c.bits || r.MaxAbs().String() != c.maxAbs {
			t.Errorf("%v: %d bits, magnitude %v, want %d and %s", r, r.Bits(), r.MaxAbs(), c.bits, c.maxAbs)
		}
		b, err := json.Marshal(r)
		if err != nil || string(b) != c.json {
			t.Errorf("%v is %s in JSON, %v, want %s", r, b, err, c.json)
		}
		var again Range
		if err := json.Unmarshal(b, &again); err != nil || !again.Equal(r) {
			t.Errorf("%s reads as %v, %v", b, again, err)
		}
	}
	if u := NewRange(-3, 2).Union(NewRange(0, 9)); !u.Equal(NewRange(-3, 9)) {
		t.Errorf("union %v, want [-3, 9]", u)
	}
}

func TestRangeJSONErrors(t *testing.T) {
	for _, text := range []string{
		`[]`, `[1]`, `[1,2,3]`, `[2,1]`, `[null,1]`, `[1,null]`, `["1","2"]`, `[1.5,2]`, `[1e3,2000]`, `{}`,
		`[0,` + strings.Repeat("9", 3000) + `]`,
	} {
		var r Range
		if err := json.Unmarshal([]byte(text), &r); err == nil {
			t.Errorf("%.40s reads as %v", text, r)
		}
	}
	r := Range{new(big.Int).Lsh(big.NewInt(-1), MaxRangeBits-1), new(big.Int).Lsh(big.NewInt(1), MaxRangeBits-2)}
	if r.Bits() != MaxRangeBits {
		t.Fatalf("%d bits, want the limit", r.Bits())
	}
	b, err := json.Marshal(r)
	if err == nil {
		err = json.Unmarshal(b, new(Range))
	}
	if err != nil {
		t.Errorf("the widest range: %v", err)
	}
}
