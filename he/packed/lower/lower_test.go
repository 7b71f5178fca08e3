package lower

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"testing"

	"qtool/bundle"
)

func random(r *rand.Rand, n int) []int32 {
	w := make([]int32, n)
	for i := range w {
		w[i] = int32(r.IntN(15)) - 7
	}
	return w
}

// spread puts values into slots as places says; other slots hold junk where
// nothing may read it.
func spread(r *rand.Rand, x []int64, p *Places, slots int) [][]int64 {
	cts := make([][]int64, p.Cts)
	for c := range cts {
		cts[c] = make([]int64, slots)
		for s := range cts[c] {
			cts[c][s] = int64(r.IntN(1000)) + 1000
		}
	}
	for e, c := range p.Ct {
		if c >= 0 {
			for s := int(p.Slot[e]); s < slots; s += p.Period {
				cts[c][s] = x[e]
			}
		}
	}
	return cts
}

// evaluate is the map with plain slots, by a split.
func evaluate(l *Map, split Split, in [][]int64, slots int) [][]int64 {
	out := make([][]int64, len(l.Terms))
	for c, terms := range l.Terms {
		diagonals := make([][]int64, len(terms))
		for t := range diagonals {
			diagonals[t] = make([]int64, l.Length)
		}
		l.Each(c, func(term, slot, _, k int) { diagonals[term][slot] += l.Matrix.W[k] })
		out[c] = make([]int64, slots)
		for t, term := range terms {
			baby := term.Offset % split.Giant
			for s := range out[c] {
				out[c][s] += diagonals[t][s%l.Length] * in[term.Ct][(s+(term.Offset-baby)+baby)%slots]
			}
		}
		for d := range l.Doublings {
			sum := make([]int64, slots)
			for s := range sum {
				sum[s] = out[c][s] + out[c][(s+l.Step<<d)%slots]
			}
			out[c] = sum
		}
	}
	return out
}

func check(t *testing.T, what string, l *Map, got [][]int64, x []int64, slots int) {
	t.Helper()
	for o := range l.Matrix.Outputs() {
		if l.Out.Ct[o] < 0 {
			continue
		}
		want := int64(0)
		in, w := l.Matrix.Row(o)
		for k, i := range in {
			want += w[k] * x[i]
		}
		for s := int(l.Out.Slot[o]); s < slots; s += l.Out.Period {
			if g := got[l.Out.Ct[o]][s]; g != want {
				t.Fatalf("%s: output %d in slot %d is %d, want %d", what, o, s, g, want)
			}
		}
	}
}

// Every map between every pair of layouts gives the rows' sums in every slot
// that the output layout promises, from junk elsewhere.
func TestMaps(t *testing.T) {
	const slots = 256
	r := rand.New(rand.NewPCG(1, 2))
	conv := &bundle.Conv2D{Outputs: 5, Channels: 3, Kernel: [2]int{3, 3}, Stride: bundle.Both(1), Padding: bundle.Around(1), Weight: random(r, 5*3*9), Bias: bundle.Vec{Small: make([]int64, 5)}}
	strided := &bundle.Conv2D{Outputs: 2, Channels: 3, Kernel: [2]int{2, 2}, Stride: bundle.Both(2), Weight: random(r, 2*3*4), Bias: bundle.Vec{Small: make([]int64, 2)}}
	dense := &bundle.Dense{Units: 7, Inputs: 3 * 36, Weight: random(r, 7*3*36), Bias: bundle.Vec{Small: make([]int64, 7)}}
	wide := &bundle.Dense{Units: 300, Inputs: 3 * 36, Weight: random(r, 300*3*36), Bias: bundle.Vec{Small: make([]int64, 300)}}
	in := []int{3, 6, 6}
	x := make([]int64, bundle.Size(in))
	for i := range x {
		x[i] = int64(r.IntN(31)) - 15
	}
	for _, op := range []bundle.Linear{conv, strided, dense, wide} {
		shape := in
		if _, flat := op.(*bundle.Dense); flat {
			shape = []int{bundle.Size(in)}
		}
		out, err := op.OutShape(shape)
		if err != nil {
			t.Fatal(err)
		}
		m := fromRows(op.Rows(shape))
		froms := layouts(in, nil, slots, nil)
		tos := layouts(out, nil, slots, []inheritance{{froms[0].Strides, in}, {froms[1].Strides, in}})
		for a := range froms {
			for b := range tos {
				l := newMap(m, []source{{bundle.Size(in), froms[a].Read()}}, &tos[b].Places, 0, maxTerms)
				if l == nil {
					t.Fatalf("%T from %s to %s needs too many products", op, froms[a].Name, tos[b].Name)
				}
				packed := spread(r, x, froms[a].Read(), slots)
				for giant := 1; giant <= slots; giant *= 8 {
					check(t, fmt.Sprintf("%T from %s to %s", op, froms[a].Name, tos[b].Name), l, evaluate(l, l.split(giant), packed, slots), x, slots)
				}
			}
		}
		for b := range tos {
			for d := 0; tos[b].Period<<d <= slots; d++ {
				l := newMap(m, []source{{width: bundle.Size(in)}}, &tos[b].Places, d, 0)
				packed := make([][]int64, l.Cts)
				for v, view := range l.Views {
					packed[v] = make([]int64, slots)
					for s := range packed[v] {
						if e := view[s%l.Length]; e >= 0 {
							packed[v][s] = x[e]
						}
					}
				}
				check(t, fmt.Sprintf("first %T to %s, %d doublings", op, tos[b].Name, d), l, evaluate(l, l.split(1), packed, slots), x, slots)
			}
		}
	}
}

// A product of maps is their composition, bias and all.
func TestAfter(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	f := fromRows((&bundle.Dense{Units: 4, Inputs: 6, Weight: random(r, 24), Bias: bundle.Vec{Small: []int64{1, -2, 3, 4}}}).Rows([]int{6}))
	g := fromRows((&bundle.Dense{Units: 3, Inputs: 4, Weight: random(r, 12), Bias: bundle.Vec{Small: []int64{5, 6, -7}}}).Rows([]int{4}))
	h, err := g.after(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	apply := func(m *Matrix, x []*big.Int) []*big.Int {
		out := make([]*big.Int, m.Outputs())
		for o := range out {
			out[o] = new(big.Int).Set(m.Bias[o])
			in, w := m.Row(o)
			for k, i := range in {
				out[o].Add(out[o], new(big.Int).Mul(big.NewInt(w[k]), x[i]))
			}
		}
		return out
	}
	for range 20 {
		x := make([]*big.Int, 6)
		for i := range x {
			x[i] = big.NewInt(r.Int64N(1000) - 500)
		}
		want, got := apply(g, apply(f, x)), apply(h, x)
		for o := range want {
			if want[o].Cmp(got[o]) != 0 {
				t.Fatalf("output %d is %v, want %v", o, got[o], want[o])
			}
		}
	}
	f.W[0] = 1 << 60
	if _, err := g.after(t.Context(), f); err == nil {
		t.Error("weights past 62 bits are multiplied")
	}
	if _, err := f.after(t.Context(), f); err == nil {
		t.Error("maps that don't fit are multiplied")
	}
}

// Pools are recognised as sums over classes, and nothing else is.
func TestClasses(t *testing.T) {
	pool := &bundle.SumPool{Kernel: bundle.Both(2), Stride: bundle.Both(2)}
	s := classes(pool.Rows([]int{2, 5, 5}), []int{2, 2, 2})
	if s == nil || s.Size != 4 {
		t.Fatalf("a pool is %+v", s)
	}
	outside := 0
	for _, c := range s.Class {
		if c < 0 {
			outside++
		}
	}
	if outside != 2*9 {
		t.Errorf("%d elements in no class, want 18", outside)
	}
	overlap := &bundle.SumPool{Kernel: bundle.Both(2), Stride: bundle.Both(1)}
	if classes(overlap.Rows([]int{1, 4, 4}), []int{1, 3, 3}) != nil {
		t.Error("overlapping windows are taken for classes")
	}
	dense := &bundle.Dense{Units: 1, Inputs: 2, Weight: []int32{1, 2}, Bias: bundle.Vec{Small: []int64{0}}}
	if classes(dense.Rows([]int{2}), []int{1}) != nil {
		t.Error("weights are taken for a sum")
	}
	biased := &bundle.Dense{Units: 1, Inputs: 2, Weight: []int32{1, 1}, Bias: bundle.Vec{Small: []int64{3}}}
	if classes(biased.Rows([]int{2}), []int{1}) != nil {
		t.Error("a bias is lost")
	}
}
