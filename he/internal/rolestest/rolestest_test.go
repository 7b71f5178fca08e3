package rolestest

import (
	"strings"
	"testing"

	"github.com/tuneinsight/lattigo/v5/core/rlwe"
)

type key struct{ coefficients []int8 }

// server is right with its fields empty.
type server struct {
	name    string
	decrypt func([]uint64) []uint64
	any     interface{ Bytes() int }
	limbs   []uint64
	nested  map[string][]*[2][]int32
}

func (k *key) Bytes() int { return len(k.coefficients) }

func plain(x []uint64) []uint64 { return x }

// Wrong servers are found, each by what is wrong with it.
func TestWrongServersAreFound(t *testing.T) {
	params, err := rlwe.NewParametersFromLiteral(rlwe.ParametersLiteral{LogN: 8, LogQ: []int{50, 40}, LogP: []int{51}, NTTFlag: true})
	if err != nil {
		t.Fatal(err)
	}
	sk := rlwe.NewKeyGenerator(params).GenSecretKeyNew()
	small := make([]int8, 200)
	for i := range small {
		small[i] = int8(i*i*7%11%3) - 1
	}
	c := Key(params, sk).And(Small(small))
	negated := make([]uint64, params.N())
	r := params.RingQ().SubRings[1]
	r.IMForm(sk.Value.Q.Coeffs[1], negated)
	r.Neg(negated, negated)
	wide := make([]int32, 200)
	for i, x := range small {
		wide[i] = int32(x)
	}
	text := make([]byte, 200)
	for i, x := range small {
		text[i] = byte(x + 1)
	}
	capturing := func(x []uint64) []uint64 { return append(x, sk.Value.Q.Coeffs[0]...) }
	for name, c1 := range map[string]struct {
		v    any
		want string
	}{
		"a closure":           {&server{decrypt: capturing}, ".decrypt is the function "},
		"a bound method":      {&server{decrypt: (&keeper{sk}).decrypt}, ".decrypt is the function "},
		"an interface":        {&server{any: &key{small}}, ".any.(*rolestest.key).coefficients holds coefficients"},
		"limbs":               {&server{limbs: sk.Value.Q.Coeffs[0]}, ".limbs holds residues"},
		"limbs among others":  {&server{limbs: append(make([]uint64, 77), negated...)}, "holds residues of the secret key from number 77 on"},
		"behind the length":   {&server{limbs: append(make([]uint64, 77), negated...)[:3]}, "holds residues"},
		"deep down, narrower": {&server{nested: map[string][]*[2][]int32{"a": {nil, {nil, wide}}}}, ".nested[][1][1] holds coefficients"},
		"the middle alone":    {&server{limbs: sk.Value.P.Coeffs[0][100:180]}, "holds residues"},
		"written":             {&server{name: string(text)}, ".name holds coefficients"},
		"a channel":           {make(chan *key), "is a chan"},
	} {
		found := Find(c1.v, c)
		if len(found) != 1 || !strings.Contains(found[0], c1.want) {
			t.Errorf("%s: found %q, want one with %q", name, found, c1.want)
		}
	}
	right := &server{name: "right", decrypt: plain, any: &key{make([]int8, 500)}, limbs: make([]uint64, 5000), nested: map[string][]*[2][]int32{"a": {nil}}}
	if found := Find(right, c); len(found) > 0 {
		t.Errorf("a right server: %q", found)
	}
	if found := Find(&server{decrypt: capturing}, c, "qtool/he/internal/rolestest.TestWrong"); len(found) > 0 {
		t.Errorf("an allowed closure: %q", found)
	}
	NoSecretValue(t, c, &keeper{sk}, []any{right})
}

type keeper struct{ key *rlwe.SecretKey }

func (k *keeper) decrypt(x []uint64) []uint64 { return append(x, k.key.Value.Q.Coeffs[0]...) }
