// Package export turns a quantized network into an integer program.
package export

import (
	"errors"
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/model"
	"qtool/quant"
)

// ErrTooWide marks a network whose integers are too large to export.
var ErrTooWide = errors.New("too wide")

// Program builds the integer program of q: the integers of its weights and
// biases, its activations as integer polynomials and tables, its average pools as
// sums, its sums with integer weights, with every range proved. Dropouts and batch
// norms leave no operation. Of a network that reads words it is the part behind the entry,
// on the bytes of a client, where the code 0 is the byte 2^(bits-1). A network of one logit
// z has the two outputs -z and z for two labels. It returns an error that names the layer for an
// activation that is no polynomial and for one whose table would be too large.
func Program(q *model.Quantized, labels []string) (*bundle.Program, error) {
	e, err := newExporter(q, labels)
	if err != nil {
		return nil, err
	}
	for i, l := range e.q.Network.Layers {
		if err := e.layer(i, l); err != nil {
			return nil, fmt.Errorf("export: layer %q: %w", l.Name, err)
		}
	}
	if err := e.p.Prove(); err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return e.p, nil
}

// What follows a layer's name in the names of operations that it needs beside its own:
// the Reshape after a global pool, and the multiple of a sum's input, whose number
// follows.
const (
	flattened  = ".flatten"
	multiplied = ".multiple"
)

// exporter is a program in the making.
type exporter struct {
	q       *model.Quantized
	p       *bundle.Program
	scaling []model.LayerScaling
	shapes  [][]int
	sources [][]int
	made    []string // the tensor of the program that is each layer's
	weights int      // layers with weights so far
	// zero is the program's input where the network's is 0, and offsets how much each layer's
	// tensor is above its integers.
	zero    int64
	offsets []int64
}

func newExporter(q *model.Quantized, labels []string) (*exporter, error) {
	words := q.Network.ReadsWords()
	q, err := q.Server()
	if err != nil {
		return nil, err
	}
	e := &exporter{q: q, p: &bundle.Program{Input: bundle.Input{Shape: q.Network.Input, Quantizer: q.Input}, Labels: labels}}
	if words {
		e.zero = Zero(q)
		e.p.Input.Quantizer = quant.Params{Scale: float32(1) / 255, Bits: q.Input.Bits}
	}
	if e.scaling, err = q.Scaling(); err != nil {
		return nil, err
	}
	if err := q.Params.Check(q.Network); err != nil {
		return nil, err
	}
	if e.shapes, err = q.Network.Shapes(); err != nil {
		return nil, err
	}
	e.sources, err = q.Network.Sources()
	e.made, e.offsets = make([]string, len(e.shapes)), make([]int64, len(e.shapes))
	return e, err
}

// Zero is the byte of the code 0 in the input of a program whose client reads words.
func Zero(q *model.Quantized) int64 { return 1 << (q.Input.Bits - 1) }

// offset is what the program's tensor of layer i, or its input, has above the integers of
// the quantized network.
func (e *exporter) offset(i int) int64 {
	if i == model.Input {
		return e.zero
	}
	return e.offsets[i]
}

// tensor and shape are the name and the shape of the output of layer i, or of the input.
func (e *exporter) tensor(i int) string {
	if i == model.Input {
		return bundle.InputName
	}
	return e.made[i]
}

func (e *exporter) shape(i int) []int {
	if i == model.Input {
		return e.q.Network.Input
	}
	return e.shapes[i]
}

// layer adds the operations of layer i.
func (e *exporter) layer(i int, l model.Layer) error {
	inputs := make([]string, len(e.sources[i]))
	for k, from := range e.sources[i] {
		inputs[k] = e.tensor(from)
	}
	in := e.shape(e.sources[i][0])
	s := &e.scaling[i]
	n := bundle.Node{Name: l.Name, Scale: s.Out}
	offset := e.offset(e.sources[i][0])
	if l.Type == model.Flatten || l.Type == model.Dropout {
		e.offsets[i] = offset
	} else if offset != 0 && l.Type != model.Dense && !l.Recurrent() {
		return fmt.Errorf("it reads the vectors of words themselves: put a dense layer, or an lstm, before it")
	}
	var err error
	switch {
	case l.Type == model.BatchNorm, l.Type == model.Dropout: // a table holds the first
		e.made[i] = inputs[0]
		return nil
	case l.Recurrent():
		e.weights++
		n.Op, err = e.recurrent(i)
	case l.Weighted():
		n.Bits = e.q.Weights[e.weights].Bits
		e.weights++
		if n.Op, err = weighted(e.q, l, s, in, offset); err == nil && i == len(e.shapes)-1 && l.Units == 1 && len(e.p.Labels) == 2 {
			n.Op = mirrored(n.Op.(*bundle.Dense))
		}
	case l.LookupTable():
		n.Op, err = table(e.p, l, s, in, inputs[0])
	case l.Averages(), l.Maximum():
		e.pool(i, l, n, in, inputs)
		return nil
	case l.Type == model.Flatten:
		n.Op = &bundle.Reshape{Shape: e.shapes[i]}
	case l.Type == model.Add:
		return e.add(i, n, inputs)
	case l.Type == model.Mul:
		n.Op = &bundle.Mul{}
	case l.Type == model.Concat:
		n.Op = &bundle.Concat{}
	default:
		p := &bundle.Polynomial{}
		for _, row := range s.Coeffs {
			p.Coeffs = append(p.Coeffs, bundle.NewInts(row))
		}
		n.Op = p
	}
	if err != nil {
		return err
	}
	e.append(i, n, inputs)
	return nil
}

// append adds a node that reads the given tensors and makes layer i's.
func (e *exporter) append(i int, n bundle.Node, inputs []string) {
	before := bundle.InputName
	if last := len(e.p.Nodes) - 1; last >= 0 {
		before = e.p.Nodes[last].Name
	}
	if len(inputs) > 1 || inputs[0] != before {
		n.Inputs = inputs
	}
	e.p.Nodes = append(e.p.Nodes, n)
	e.made[i] = n.Name
}

// pool adds layer i, a pool; a global one gets a Reshape to [channels] of its own.
func (e *exporter) pool(i int, l model.Layer, n bundle.Node, in []int, inputs []string) {
	w := l.Window(in)
	if l.Averages() {
		n.Op = &bundle.SumPool{Kernel: bundle.Pair(w.Kernel), Stride: bundle.Pair(w.Stride), Padding: sides(w)}
	} else {
		n.Op = &bundle.MaxPool{Kernel: bundle.Pair(w.Kernel), Stride: bundle.Pair(w.Stride), Padding: sides(w)}
	}
	e.append(i, n, inputs)
	if len(e.shapes[i]) == 1 {
		e.append(i, bundle.Node{Name: l.Name + flattened, Scale: n.Scale, Op: &bundle.Reshape{Shape: e.shapes[i]}}, []string{n.Name})
	}
}

func sides(w model.Window) bundle.Sides {
	return bundle.Sides{w.Before[0], w.Before[1], w.After[0], w.After[1]}
}

// add adds layer i, a sum. What is multiplied by more than an operation's weight
// holds is multiplied by a polynomial of degree 1 before.
func (e *exporter) add(i int, n bundle.Node, inputs []string) error {
	op := &bundle.Add{}
	for k, weight := range e.scaling[i].Weights {
		if math.Abs(weight) <= math.MaxInt32 {
			op.Weights = append(op.Weights, int32(weight))
			continue
		}
		multiple := bundle.Node{
			Name: fmt.Sprint(n.Name, multiplied, k+1), Scale: n.Scale,
			Op: &bundle.Polynomial{Coeffs: []bundle.Vec{bundle.NewInts([]float64{0, weight})}},
		}
		e.append(i, multiple, []string{inputs[k]})
		inputs[k] = multiple.Name
		op.Weights = append(op.Weights, 1)
	}
	n.Op = op
	e.append(i, n, inputs)
	return nil
}

// mirrored is -z and z of the single logit z.
func mirrored(d *bundle.Dense) *bundle.Dense {
	m := &bundle.Dense{Units: 2, Inputs: d.Inputs, Weight: make([]int32, 2*len(d.Weight))}
	for k, c := range d.Weight {
		m.Weight[k], m.Weight[len(d.Weight)+k] = -c, c
	}
	b := d.Bias.Float(0)
	m.Bias = bundle.NewInts([]float64{-b, b})
	return m
}

// weighted is the operation of a convolution or dense layer, whose input is offset above
// its integers.
func weighted(q *model.Quantized, l model.Layer, s *model.LayerScaling, in []int, offset int64) (bundle.Op, error) {
	w, b := q.Params.Of(l.Name)
	shape := l.WeightShape(in)
	weight, bias, err := integers(s, w, b, shape[0], offset)
	if err != nil {
		return nil, err
	}
	if l.Type == model.Dense {
		return &bundle.Dense{Units: shape[0], Inputs: shape[1], Weight: weight, Bias: bias}, nil
	}
	win := l.Window(in)
	op := &bundle.Conv2D{
		Outputs: shape[0], Channels: in[0], Kernel: bundle.Pair(win.Kernel),
		Stride: bundle.Pair(win.Stride), Padding: sides(win), Weight: weight, Bias: bias,
	}
	if win.Dilation != model.Both(1) {
		op.Dilation = bundle.Pair(win.Dilation)
	}
	if win.Groups > 1 {
		op.Groups = win.Groups
	}
	return op, nil
}

// integers are the weight and bias codes, the very ones that fake quantization
// computes; the bias takes the offset of the input back.
func integers(s *model.LayerScaling, w, b []float32, outputs int, offset int64) ([]int32, bundle.Vec, error) {
	codes := make([]float32, len(w))
	s.WeightCodes(codes, w, outputs)
	weight := make([]int32, len(w))
	for i, c := range codes {
		weight[i] = int32(c)
	}
	biases := make([]float64, len(b))
	if !s.Deferred {
		s.BiasCodes(biases, b)
	}
	for i, c := range codes {
		biases[i/(len(codes)/outputs)] -= float64(float64(offset) * float64(c))
	}
	for i, c := range biases {
		if math.IsInf(c, 0) {
			return nil, bundle.Vec{}, fmt.Errorf("bias %d is %v at scale %v: %w: its integer passes float64", i, b[i], s.Out[i%len(s.Out)], ErrTooWide)
		}
	}
	return weight, bundle.NewInts(biases), nil
}
