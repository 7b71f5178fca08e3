package bundletest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"pgregory.net/rapid"

	"qtool/bundle"
	"qtool/quant"
)

// Random says which programs Programs draws. Its zero value means all operations on
// graphs, with inputs of at most 3 bits and ranges of at most 40.
type Random struct {
	Kinds     []bundle.Kind // at the top level; nil means all
	Chain     bool          // every node reads the one before it
	Layers    int           // at most so many are drawn, some for the shape are added; 0 means 7
	InputBits int           // at most; 0 means 3
	RangeBits int           // static bounds are at most so wide; 0 means 40
	Degree    int           // of polynomials, at most; 0 means 3
	TableBits int           // tables index ranges of at most so many bits; 0 means 9
	Exact     bool          // a Mul or a Shift has a shift of 0 and rounds nothing
}

// Kinds are all operations of the top level.
var Kinds = []bundle.Kind{
	bundle.KindDense, bundle.KindConv2D, bundle.KindSumPool, bundle.KindMaxPool, bundle.KindPolynomial, bundle.KindLookupTable,
	bundle.KindAdd, bundle.KindMul, bundle.KindConcat, bundle.KindSlice, bundle.KindReshape, bundle.KindShift, bundle.KindRecurrent,
}

// Programs draws small programs that pass Check: branches and joins, uneven paddings,
// groups and dilations, scales that meet. Structure is drawn one number at a time, so
// that a failure shrinks; weights come from one drawn seed.
//
// A program of back ends without Concat has one tensor that is not yet read at a time,
// but for tensors that an Add or a Mul joins at once.
func Programs(o Random) *rapid.Generator[*bundle.Program] {
	o = o.filled()
	return rapid.Custom(func(t *rapid.T) *bundle.Program {
		r := newRandomizer(t, o)
		for range rapid.IntRange(1, o.Layers).Draw(t, "layers") {
			kind := rapid.SampledFrom(o.Kinds).Draw(t, "kind")
			r.draw(kind)
		}
		return r.finish()
	})
}

func (o Random) filled() Random {
	if o.Kinds == nil {
		o.Kinds = Kinds
	}
	fill := func(v *int, n int) {
		if *v == 0 {
			*v = n
		}
	}
	fill(&o.Layers, 7)
	fill(&o.InputBits, 3)
	fill(&o.RangeBits, 40)
	fill(&o.Degree, 3)
	fill(&o.TableBits, 9)
	return o
}

// Codes draws an input of a program that leans to the ends of the quantizer's grid.
func Codes(p *bundle.Program) *rapid.Generator[bundle.Vec] {
	return rapid.Map(DrawSamples(p, 1), func(all []bundle.Sample) bundle.Vec { return all[0].Vec() })
}

// DrawSamples draws n samples that lean to the ends of the quantizer's grid.
func DrawSamples(p *bundle.Program, n int) *rapid.Generator[[]bundle.Sample] {
	q := p.Input.Quantizer
	lo, hi := q.QMin()-q.ZeroPoint, q.QMax()-q.ZeroPoint
	return rapid.Custom(func(t *rapid.T) []bundle.Sample {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		all := make([]bundle.Sample, n)
		for i := range all {
			all[i] = make(bundle.Sample, bundle.Size(p.Input.Shape))
			for k := range all[i] {
				switch rng.IntN(4) {
				case 0:
					all[i][k] = lo
				case 1:
					all[i][k] = hi
				default:
					all[i][k] = lo + rng.Int32N(hi-lo+1)
				}
			}
		}
		return all
	})
}

// randomizer is a program that is being drawn.
type randomizer struct {
	Random
	t   *rapid.T
	rng *rand.Rand // weights
	p   *bundle.Program
	all []tensor

	limit int // elements of a tensor
}

// tensor is one that nodes may read.
type tensor struct {
	name  string
	shape []int
	scale []float64 // one, or one a channel
	bits  int       // of its static bound
	read  bool
}

func newRandomizer(t *rapid.T, o Random) *randomizer {
	bits := rapid.IntRange(1, o.InputBits).Draw(t, "bits")
	q := quant.Params{Bits: quant.BitWidth(bits)}
	q.Scale = 1 / float32(q.QMax())
	q.ZeroPoint = rapid.Int32Range(0, q.QMax()).Draw(t, "zero point")
	r := &randomizer{Random: o, t: t, rng: rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "weights"), 0)), limit: 300}
	shape := []int{r.number("channels", 1, 3), r.number("height", 1, 5), r.number("width", 1, 5)}
	if rapid.IntRange(0, 4).Draw(t, "flat") == 4 {
		shape = shape[1:2]
	}
	r.p = &bundle.Program{Input: bundle.Input{Shape: shape, Quantizer: q}}
	r.all = []tensor{{name: bundle.InputName, shape: shape, scale: []float64{float64(q.Scale)}, bits: bits + 1, read: true}}
	return r
}

func (r *randomizer) number(name string, lo, hi int) int {
	return rapid.IntRange(lo, hi).Draw(r.t, name)
}

func (r *randomizer) allows(k bundle.Kind) bool { return slices.Contains(r.Kinds, k) }

// graph reports whether nodes may read more than the tensor before them.
func (r *randomizer) graph() bool { return !r.Chain }

// branches reports whether tensors may be left for a join at the end.
func (r *randomizer) branches() bool {
	return r.graph() && r.allows(bundle.KindConcat) && r.allows(bundle.KindReshape)
}

// last is the tensor that was made last.
func (r *randomizer) last() *tensor { return &r.all[len(r.all)-1] }

// pick is a tensor to read, one of the tensors that fit, or nil.
func (r *randomizer) pick(fits func(*tensor) bool) *tensor {
	if !r.graph() {
		if fits(r.last()) {
			return r.last()
		}
		return nil
	}
	all := r.fitting(fits)
	if !r.branches() { // the last must be read next
		if fits(r.last()) {
			return r.last()
		}
		return nil
	}
	if len(all) == 0 {
		return nil
	}
	// Mostly the newest, which shrinking prefers too.
	return all[max(0, len(all)-1-r.number("from", 0, 2*len(all)-1)/2)]
}

func (r *randomizer) fitting(fits func(*tensor) bool) []*tensor {
	var all []*tensor
	for i := range r.all {
		if fits(&r.all[i]) {
			all = append(all, &r.all[i])
		}
	}
	return all
}

// unit is the input's scale, of which most scales are small multiples.
func (r *randomizer) unit() float64 { return r.all[0].scale[0] }

// scale draws a scale for an operation that may have any.
func (r *randomizer) scale(channels int) []float64 {
	values := rapid.SampledFrom([]float64{1, 1, 1, 2, 3, 5, -1, -2})
	n := 1
	if r.number("scales", 0, 3) == 3 {
		n = channels
	}
	scale := make([]float64, n)
	for i := range scale {
		scale[i] = values.Draw(r.t, "scale") * r.unit()
	}
	return scale
}

// add appends a node, unless its range or its tensor would be too large. A nil scale
// is drawn.
func (r *randomizer) add(op bundle.Op, scale []float64, in ...*tensor) bool {
	var shapes [][]int
	n := bundle.Node{Name: fmt.Sprintf("n%d", len(r.p.Nodes)), Op: op, Scale: scale}
	for _, x := range in {
		shapes, n.Inputs = append(shapes, x.shape), append(n.Inputs, x.name)
	}
	shape, err := op.OutShape(shapes...)
	if err != nil {
		r.t.Fatalf("generator: %T: %v", op, err)
	}
	if bundle.Size(shape) > r.limit {
		return false
	}
	if _, ok := op.(bundle.Weighted); ok {
		n.Bits = 4
	}
	if scale == nil {
		n.Scale = r.scale(shape[0])
	}
	if len(n.Inputs) == 1 && n.Inputs[0] == r.last().name {
		n.Inputs = nil
	}
	r.p.Nodes = append(r.p.Nodes, n)
	b, err := r.p.LastBounds()
	if err != nil {
		r.t.Fatalf("generator: %v", err)
	}
	bits := b.Range().Bits()
	if bits > r.RangeBits {
		r.p.Nodes = r.p.Nodes[:len(r.p.Nodes)-1]
		return false
	}
	for _, x := range in {
		x.read = true
	}
	r.all = append(r.all, tensor{n.Name, shape, n.Scale, bits, false})
	return true
}

// finish joins what is not read yet and proves the program.
func (r *randomizer) finish() *bundle.Program {
	r.limit = math.MaxInt // the join may be larger
	unread := r.fitting(func(x *tensor) bool { return !x.read })
	if len(unread) > 1 {
		var names []string // as appending tensors moves them
		for _, x := range unread {
			names = append(names, x.name)
		}
		for i, name := range names {
			if x := r.named(name); !isFlat(x) {
				r.reshape(x, []int{bundle.Size(x.shape)})
				names[i] = r.last().name
			}
		}
		var in []*tensor
		for _, name := range names {
			in = append(in, r.named(name))
		}
		r.concat(in)
	}
	if len(r.p.Nodes) == 0 || !isFlat(r.last()) {
		r.reshape(r.last(), []int{bundle.Size(r.last().shape)})
	}
	r.p.Labels = make([]string, r.last().shape[0])
	if err := r.p.Prove(); err != nil {
		r.t.Fatalf("generator: %v", err)
	}
	for i := range r.p.Nodes {
		n := &r.p.Nodes[i]
		n.Seen = n.Range
		if loop, ok := n.Op.(*bundle.Recurrent); ok {
			for k := range loop.Body {
				loop.Body[k].Seen = loop.Body[k].Range
			}
		}
	}
	return r.p
}

// named is a tensor by its name.
func (r *randomizer) named(name string) *tensor {
	i := slices.IndexFunc(r.all, func(x tensor) bool { return x.name == name })
	return &r.all[i]
}
