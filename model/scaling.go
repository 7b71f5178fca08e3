package model

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"qtool/quant"
)

// Scaling derives every layer's scaling from the quantizers. It returns an
// error that names a layer with an activation that has neither a polynomial nor
// a quantizer, with a scale that leaves the range of float64, or with inputs whose
// scales do not meet.
func (q *Quantized) Scaling() ([]LayerScaling, error) { return q.walk(nil, false) }

// Observation is what the scales of a weighted layer are chosen from.
type Observation struct {
	Layer   Layer
	Index   int
	Folded  []float32 // weights, each row one output's
	Outputs int
	Bits    quant.BitWidth
	Scales  []float32 // as they are; empty before the first choice
	// Bias holds the layer's biases and InScale the scale of its inputs; Bias is
	// nil where a table takes it.
	Bias    []float32
	InScale float64
	// Lo and Hi, where asked for, bound the integers that meet each weight of a
	// row, for each of the layer's groups in turn; see Meets. Window is how many
	// accumulators a pool adds up before a table reads them.
	Lo, Hi []float64
	Window int
	// Tie, if not nil, says which scales the layer may have; the nearest ones to
	// the observer's choice are taken.
	Tie *Tie
}

// Meets are the bounds of the integers that meet each weight of output k.
func (o *Observation) Meets(k int) (lo, hi []float64) {
	from, to := groupRange(k, o.Outputs, len(o.Lo), o.Layer.Groups)
	return o.Lo[from:to], o.Hi[from:to]
}

// Observer chooses the scales of a weighted layer: one for the layer or one an
// output. It must not change what it is given.
type Observer func(o Observation) ([]float32, error)

// Keep is the observer that leaves all scales as they are, but for ties.
func Keep(o Observation) ([]float32, error) { return o.Scales, nil }

// Calibrate chooses every layer's weight scales by observe, in order (a layer's
// folded weights depend on the scales before it), and returns the scaling. Scales
// that are tied, among them the scales of lookup-table activations, are moved to where
// they meet.
//
// ranges says whether observe needs Lo and Hi.
func (q *Quantized) Calibrate(observe Observer, ranges bool) ([]LayerScaling, error) {
	return q.walk(observe, ranges)
}

// tensor is what a walk knows of a layer's output, or of the input. An integer n
// of channel c stands for scale[c] n + offset[c]; it lies in lo[c]..hi[c]. Each has
// one element where all channels share it; offset is nil where there is none.
type tensor struct {
	shape                 []int
	scale, offset, lo, hi []float64
}

// walker goes over the layers. Each layer waits for the layers that it reads, and for the
// one that its scale is tied to.
type walker struct {
	q        *Quantized
	entry    int // see Network.Entry
	observe  Observer
	ranges   bool
	shapes   [][]int
	sources  [][]int
	quantum  []int // of each weighted layer or lookup-table activation: which quantizer is its
	ties     map[int]tie
	numeric  map[int]*Tie // of the tied layers visited
	declared [][]float64  // see declare
	input    tensor
	tensors  []tensor
	all      []LayerScaling
	state    []visit
}

// visit is how far a layer is.
type visit uint8

const (
	unvisited visit = iota
	underWay
	visited
)

func (q *Quantized) walk(observe Observer, ranges bool) ([]LayerScaling, error) {
	n := q.Network
	shapes, err := n.Shapes()
	if err != nil {
		return nil, err
	}
	if err := q.Input.Validate(); err != nil {
		return nil, fmt.Errorf("model: input quantizer: %w", err)
	}
	sources, err := n.Sources()
	if err != nil {
		return nil, err
	}
	entry := n.Entry()
	if in := q.Input; entry != Input && (!in.Signed || in.ZeroPoint != 0 || in.Bits > 8) {
		return nil, fmt.Errorf("model: input quantizer %+v: want a signed one of at most 8 bits around 0", in)
	}
	zero := float64(q.Input.ZeroPoint)
	w := walker{
		q: q, entry: entry, observe: observe, ranges: ranges, shapes: shapes, sources: sources, ties: n.ties(sources), numeric: map[int]*Tie{}, declared: make([][]float64, len(n.Layers)),
		input: tensor{
			shape: n.Input, scale: []float64{float64(q.Input.Scale)},
			lo: []float64{float64(q.Input.QMin()) - zero}, hi: []float64{float64(q.Input.QMax()) - zero},
		},
		tensors: make([]tensor, len(n.Layers)), all: make([]LayerScaling, len(n.Layers)),
		state: make([]visit, len(n.Layers)), quantum: make([]int, len(n.Layers)),
	}
	weighted, tables, recurrent := 0, 0, 0
	for i, l := range n.Layers {
		if l.Weighted() || l.Recurrent() {
			w.quantum[i] = weighted
			weighted++
			if l.Recurrent() {
				recurrent++
			}
		} else if l.LookupTable() {
			w.quantum[i] = tables
			tables++
		}
	}
	for i := range n.Layers {
		if err := w.visit(i); err != nil {
			return nil, err
		}
	}
	if weighted != len(q.Weights) {
		return nil, fmt.Errorf("model: %d weight quantizers for %d weighted layers", len(q.Weights), weighted)
	}
	if tables != len(q.Activations) {
		return nil, fmt.Errorf("model: %d activation quantizers for %d lookup-table activations", len(q.Activations), tables)
	}
	if recurrent != len(q.Recurrent) {
		return nil, fmt.Errorf("model: %d quantizers of states for %d recurrent layers", len(q.Recurrent), recurrent)
	}
	return w.all, nil
}

// tensor is what layer i makes, or the input.
func (w *walker) tensor(i int) *tensor {
	if i == Input {
		return &w.input
	}
	return &w.tensors[i]
}

// visit makes the scaling of layer i, after the scaling of all layers that it depends on.
func (w *walker) visit(i int) error {
	if i == Input || w.state[i] == visited {
		return nil
	}
	l := w.q.Network.Layers[i]
	if w.state[i] == underWay {
		return fmt.Errorf("model: layer %q (%s): its scale depends on itself through the layers that join it: %w", l.Name, l.Type, ErrScales)
	}
	w.state[i] = underWay
	for _, from := range w.sources[i] {
		if err := w.visit(from); err != nil {
			return err
		}
	}
	if t, ok := w.ties[i]; ok {
		for _, first := range []int{t.anchor, t.peer} {
			if first == i {
				continue
			}
			if err := w.visit(first); err != nil {
				return err
			}
		}
	}
	out := *w.tensor(w.sources[i][0])
	out.shape = w.shapes[i]
	s := &w.all[i]
	err := w.layer(i, l, s, &out)
	if err == nil {
		s.Out = w.settle(i, s.Out)
		err = checkScales(s.Out)
	}
	if err != nil {
		return fmt.Errorf("model: layer %q (%s): %w", l.Name, l.Type, err)
	}
	s.Offset, out.scale = out.offset, s.Out
	if l.LookupTable() {
		out.offset = nil
	}
	w.tensors[i], w.state[i] = out, visited
	return nil
}

// layer makes the scaling s of layer i, and moves t from the first tensor that the
// layer reads past it; the caller sets t's scale.
func (w *walker) layer(i int, l Layer, s *LayerScaling, t *tensor) error {
	s.Out = t.scale
	switch {
	case i <= w.entry: // the client's, in the clear
	case l.Recurrent():
		return w.recur(i, l, s, t)
	case l.Weighted():
		return w.weigh(i, l, s, t)
	case l.Type == BatchNorm:
		if t.offset == nil {
			return fmt.Errorf("no table follows that could take it in: fold it into the layer before")
		}
		slope, offset := w.q.Params.Normalisation(l.Name)
		for c := range slope {
			offset[c] += float64(slope[c] * t.offset[c])
			if slope[c] *= t.scale[c%len(t.scale)]; slope[c] == 0 {
				slope[c] = leastSlope // the channel is its offset
			}
		}
		s.Out, t.offset = slope, offset
	case l.Averages():
		win := l.Window(w.tensor(w.sources[i][0]).shape)
		s.PoolSize = win.Area()
		s.Out = scaled(t.scale, 1/float64(s.PoolSize))
		t.lo, t.hi = scaled(t.lo, float64(s.PoolSize)), scaled(t.hi, float64(s.PoolSize))
		if win.Padded() {
			widen(t.lo, t.hi)
		}
	case l.Type == Flatten:
		n := t.shape[0]
		s.Out = spread(t.scale, n)
		t.lo, t.hi, t.offset = spread(t.lo, n), spread(t.hi, n), spread(t.offset, n)
	case l.Maximum():
		if c := slices.IndexFunc(t.scale, func(s float64) bool { return s < 0 }); c >= 0 {
			return fmt.Errorf("it reads the scale %v: of a negative scale the largest integer is the smallest real", t.scale[c])
		}
	case l.Type == Dropout:
	case l.Type == Add:
		return w.add(i, l, s, t)
	case l.Type == Mul:
		return w.mul(i, s, t)
	case l.Type == Concat:
		w.concat(i, s, t)
	case l.LookupTable():
		return w.table(i, l, s, t)
	default:
		return w.polynomial(w.q.Params.Trained(l), s, t)
	}
	return nil
}

// leastSlope stands for a batch norm's slope of 0, and for one that is too small for
// float64: at it no accumulator that a table can have moves an offset of a size that
// matters, and the channel stays the constant that it is.
const leastSlope = 0x1p-126

func (w *walker) table(i int, l Layer, s *LayerScaling, t *tensor) error {
	if w.quantum[i] >= len(w.q.Activations) {
		return fmt.Errorf("%w, and so a quantizer of its outputs: give activations their bits", ErrNeedsTable)
	}
	s.Table = &w.q.Activations[w.quantum[i]]
	p := &s.Table.Params
	if s.Table.Layer != l.Name {
		return fmt.Errorf("it has the activation quantizer of %q", s.Table.Layer)
	}
	if err := p.Validate(); err != nil {
		return err
	}
	s.Slope, s.Out = t.scale, []float64{float64(p.Scale)}
	if tie := w.tie(i, 1); tie != nil {
		var err error
		if p.Scale, s.Out, err = w.tied(tie, p.Scale); err != nil {
			return err
		}
	}
	if t.offset == nil {
		t.offset = []float64{0}
	}
	zero := float64(p.ZeroPoint)
	t.lo, t.hi = []float64{float64(p.QMin()) - zero}, []float64{float64(p.QMax()) - zero}
	return nil
}

func (w *walker) polynomial(l Layer, s *LayerScaling, t *tensor) error {
	a, ok := l.PolynomialCoefficients()
	if !ok {
		return fmt.Errorf("it approximates %s but has no coefficients: its interval is not measured yet", l.Approximates)
	}
	s.Out = make([]float64, len(t.scale))
	s.Coeffs = make([][]float64, len(t.scale))
	for c, in := range t.scale {
		var err error
		if s.Coeffs[c], s.Out[c], err = quant.IntegerPolynomial(a, in); err != nil {
			return err
		}
	}
	lo, hi := make([]float64, max(len(t.lo), len(t.scale))), make([]float64, max(len(t.lo), len(t.scale)))
	for c := range lo {
		at := c * len(t.lo) / len(lo)
		lo[c], hi[c] = polynomialInterval(s.Coeffs[c*len(s.Coeffs)/len(lo)], t.lo[at], t.hi[at])
	}
	t.lo, t.hi = lo, hi
	return nil
}

// polynomialInterval bounds a polynomial on [lo, hi] by Horner's scheme on
// intervals; it is exact for a square.
func polynomialInterval(a []float64, lo, hi float64) (float64, float64) {
	if len(a) == 3 && a[0] == 0 && a[1] == 0 && a[2] == 1 {
		most := max(lo*lo, hi*hi)
		if lo <= 0 && hi >= 0 {
			return 0, most
		}
		return min(lo*lo, hi*hi), most
	}
	top := len(a) - 1
	from, to := a[top], a[top]
	for k := top - 1; k >= 0; k-- {
		p := [4]float64{from * lo, from * hi, to * lo, to * hi}
		from, to = min(p[0], p[1], p[2], p[3])+a[k], max(p[0], p[1], p[2], p[3])+a[k]
	}
	return from, to
}

// ErrNeedsTable marks an activation that only a lookup table can express.
var ErrNeedsTable = errors.New("needs a lookup table")

// ErrScales marks tensors that are added although no whole numbers bring their
// scales together.
var ErrScales = errors.New("the scales cannot meet")

func scaled(v []float64, f float64) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = x * f
	}
	return out
}

// widen takes 0, which padding adds, into the intervals.
func widen(lo, hi []float64) {
	for c := range lo {
		lo[c], hi[c] = min(lo[c], 0), max(hi[c], 0)
	}
}

// spread repeats each channel's scale over its elements; a single scale stays
// one.
func spread(v []float64, n int) []float64 {
	if len(v) <= 1 {
		return v
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = v[i*len(v)/n]
	}
	return out
}

func checkScales(v []float64) error {
	for _, s := range v {
		if s == 0 || math.IsNaN(s) || math.IsInf(s, 0) {
			return fmt.Errorf("scale %v is not finite and nonzero", s)
		}
	}
	return nil
}
