package bundle

import (
	"fmt"
	"math"
	"slices"
)

// LowerMaxPool is a program without MaxPool that makes the same integers as p in the
// tensors of the same names, for back ends that carry tables. origin[i] is the node of
// p that its node i is made of. A p without MaxPool comes back as it is.
//
// A depthwise convolution with one weight of 1 takes one place of every window, and
// a tree of maxima joins the places:
//
//	max(a, b) = b + relu(a - b)
//
// where relu is a LookupTable over the static bound of a - b. Kernels of several rows
// and columns go row by row and column by column where that takes fewer tables. A
// padding of zeros takes no part where no element is below 0; where one is, the
// channel's lower static bound is subtracted before and added again behind. Ranges are
// the same as p's, see prove. Tensors inside have no Scale.
//
// It returns an error that names the layer where a table would pass MaxTableEntries,
// and where the program's limits do not hold the result.
func (p *Program) LowerMaxPool() (lowered *Program, origin []int, err error) {
	bounds, err := p.Bounds()
	if err != nil {
		return nil, nil, err
	}
	if !p.Uses(KindMaxPool) {
		for i := range p.Nodes {
			origin = append(origin, i)
		}
		return p, origin, nil
	}
	g, err := p.Graph()
	if err != nil {
		return nil, nil, err
	}
	l := maxLowering{p: &Program{Input: p.Input, Labels: p.Labels}, taken: map[string]bool{}}
	for i := range p.Nodes {
		l.taken[p.Nodes[i].Name] = true
	}
	bounds = append([]Bounds{p.Input.Bounds()}, bounds...)
	for i := range p.Nodes {
		n := p.Nodes[i]
		n.Inputs = nil
		for _, t := range g.Inputs[i] {
			n.Inputs = append(n.Inputs, p.tensorName(t))
		}
		if pool, ok := n.Op.(*MaxPool); ok {
			x := value{n.Inputs[0], p.InShape(i), bounds[g.Inputs[i][0]]}
			if err := l.pool(pool, x, &n); err != nil {
				return nil, nil, fmt.Errorf("bundle: layer %q: %w", n.Name, err)
			}
		} else {
			l.p.Nodes = append(l.p.Nodes, n)
		}
		for len(origin) < len(l.p.Nodes) {
			origin = append(origin, i)
		}
	}
	if err := l.p.Check(); err != nil {
		return nil, nil, fmt.Errorf("max pools as tables: %w", err)
	}
	return l.p, origin, nil
}

// maxLowering is the state of LowerMaxPool.
type maxLowering struct {
	p     *Program
	taken map[string]bool // names
	name  string          // of the pool
	count int             // names made of it
}

// value is a tensor of the program that is being made.
type value struct {
	name  string
	shape []int
	b     Bounds
}

// pool appends the nodes that make of x what the MaxPool n does.
func (l *maxLowering) pool(pool *MaxPool, x value, n *Node) error {
	l.name, l.count = n.Name, 0
	first := len(l.p.Nodes)
	lowest := channelMinima(x)
	shifted := pool.Padding != Sides{} && slices.Min(lowest) < 0
	if shifted {
		if x.b.Lo.Big != nil {
			return fmt.Errorf("max pool over the range %v, which passes 64 bits, has no form with tables", x.b.Range())
		}
		x = l.offset(x, lowest, -1)
	}
	for _, w := range passes(pool.window(), x.shape) {
		var err error
		if x, err = l.largest(w, x); err != nil {
			return err
		}
	}
	if shifted {
		x = l.offset(x, lowest, 1)
	}
	if len(l.p.Nodes) == first {
		l.emit(&Reshape{x.shape}, x.b, x)
	}
	last := &l.p.Nodes[len(l.p.Nodes)-1]
	last.Name, last.Scale, last.Bits, last.Seen = n.Name, n.Scale, n.Bits, n.Seen
	return nil
}

// passes are windows that give, one behind the other, the maxima of w on pictures of
// the given shape, with the fewest maxima of two.
func passes(w *window, shape []int) []*window {
	columns, rows := *w, *w
	columns.kernel[0], columns.stride[0], columns.padding[0], columns.padding[2] = 1, 1, 0, 0
	rows.kernel[1], rows.stride[1], rows.padding[1], rows.padding[3] = 1, 1, 0, 0
	best, least := []*window(nil), math.MaxInt
	for _, all := range [][]*window{{w}, {&columns, &rows}, {&rows, &columns}} {
		maxima, at := 0, shape
		for _, w := range all {
			at, _ = w.outShape(at, at[0])
			maxima += (w.kernel[0]*w.kernel[1] - 1) * Size(at)
		}
		if maxima < least {
			best, least = all, maxima
		}
	}
	return best
}

// largest appends the maxima of x's windows.
func (l *maxLowering) largest(w *window, x value) (value, error) {
	var all []value
	for i := range w.kernel[0] {
		for j := range w.kernel[1] {
			all = append(all, l.place(w, x, i, j))
		}
	}
	for len(all) > 1 {
		var next []value
		for k := 0; k+1 < len(all); k += 2 {
			m, err := l.larger(all[k], all[k+1])
			if err != nil {
				return value{}, err
			}
			next = append(next, m)
		}
		if len(all)%2 == 1 {
			next = append(next, all[len(all)-1])
		}
		all = next
	}
	return all[0], nil
}

// place appends row i and column j of every window of x, 0 in the padding.
func (l *maxLowering) place(w *window, x value, i, j int) value {
	if w.kernel == Both(1) && w.stride == Both(1) {
		return x
	}
	c, size := x.shape[0], w.kernel[0]*w.kernel[1]
	op := &Conv2D{
		Outputs: c, Channels: c, Groups: c, Kernel: w.kernel, Stride: w.stride, Padding: w.padding,
		Weight: make([]int32, c*size), Bias: Vec{Small: make([]int64, c)},
	}
	for ch := range c {
		op.Weight[ch*size+i*w.kernel[1]+j] = 1
	}
	return l.linear(op, x)
}

// offset appends x with sign times by[c] added to every element of channel c.
func (l *maxLowering) offset(x value, by []int64, sign int64) value {
	c := x.shape[0]
	op := &Conv2D{
		Outputs: c, Channels: c, Groups: c, Kernel: Both(1), Stride: Both(1),
		Weight: slices.Repeat([]int32{1}, c), Bias: Vec{Small: make([]int64, c)},
	}
	for ch := range c {
		op.Bias.Small[ch] = sign * by[ch]
	}
	return l.linear(op, x)
}

// larger appends the larger of a and b.
func (l *maxLowering) larger(a, b value) (value, error) {
	difference := l.linear(&Add{[]int32{1, -1}}, a, b)
	r := difference.b.Range()
	if r.Bits() > 32 || r.Hi.Int64()-r.Lo.Int64() >= MaxTableEntries {
		return value{}, fmt.Errorf("max pool needs a table over the differences %v: want at most %d entries of 32 bits", r, MaxTableEntries)
	}
	t := Table{Lo: r.Lo.Int64()}
	for q := t.Lo; q <= r.Hi.Int64(); q++ {
		t.Values = append(t.Values, int32(max(0, q)))
	}
	relu := &LookupTable{Tables: []Table{t}}
	above := l.emit(relu, relu.bounds(difference.b, nil), difference)
	return l.emit(&Add{[]int32{1, 1}}, maxBounds(a.b, b.b), b, above), nil
}

// linear appends an operation; the bounds of its outputs follow from its rows.
func (l *maxLowering) linear(op Linear, in ...value) value {
	var shapes [][]int
	var bounds []Bounds
	for _, v := range in {
		shapes, bounds = append(shapes, v.shape), append(bounds, v.b)
	}
	return l.emit(op, op.bounds(joined(bounds...), shapes), in...)
}

// emit appends a node.
func (l *maxLowering) emit(op Op, b Bounds, in ...value) value {
	n := Node{Op: op, Range: b.Range(), Seen: b.Range()}
	var shapes [][]int
	for _, v := range in {
		n.Inputs, shapes = append(n.Inputs, v.name), append(shapes, v.shape)
	}
	n.Shape, _ = op.OutShape(shapes...) // Check says what does not fit
	for n.Name = ""; n.Name == "" || l.taken[n.Name]; l.count++ {
		n.Name = fmt.Sprintf("%s.%d", l.name, l.count)
	}
	l.taken[n.Name] = true
	l.p.Nodes = append(l.p.Nodes, n)
	return value{n.Name, n.Shape, b}
}

// channelMinima is the lower static bound of every channel, where it fits 64 bits.
func channelMinima(x value) []int64 {
	least := slices.Repeat([]int64{math.MaxInt64}, x.shape[0])
	each := x.b.Lo.Len() / x.shape[0]
	for i := range x.b.Lo.Len() {
		if q := x.b.Lo.At(i); q.IsInt64() {
			least[i/each] = min(least[i/each], q.Int64())
		} else {
			least[i/each] = math.MinInt64
		}
	}
	return least
}

// joined is the concatenation of bounds.
func joined(all ...Bounds) Bounds {
	at := make([]int, len(all))
	for i := range at {
		at[i] = i
	}
	return gatherBounds(all, at)
}
