package bundle

import (
	"encoding/json"
	"fmt"
	"math"

	"qtool/internal/safetensors"
	"qtool/internal/strict"
	"qtool/quant"
)

// Schema is the newest version of the .qb format. This package reads all from 1 on,
// and writes a bundle in the oldest that holds it; see schema.
const Schema = 3

// Provenance says where a bundle comes from. The checkpoints' hashes let a
// verifier find the float network and the quantized one that it was made of.
type Provenance struct {
	Recipe          string            `json:"recipe"`
	RecipeSHA256    string            `json:"recipe_sha256"`
	Dataset         string            `json:"dataset"`
	DatasetSHA256   string            `json:"dataset_sha256"`
	FloatSHA256     string            `json:"float_sha256"`
	QuantizedSHA256 string            `json:"quantized_sha256"`
	Seed            uint64            `json:"seed"`
	Versions        map[string]string `json:"versions"`
}

// manifest is manifest.json.
type manifest struct {
	Schema     int               `json:"schema"`
	Input      Input             `json:"input"`
	Labels     []string          `json:"labels"`
	Nodes      []manifestNode    `json:"nodes"`
	Provenance Provenance        `json:"provenance"`
	SHA256     map[string]string `json:"sha256"` // of every other part
}

type manifestNode struct {
	Name       string          `json:"name"`
	Op         Kind            `json:"op"`
	Attributes json.RawMessage `json:"attributes"`
	Shape      []int           `json:"shape"`
	Scale      []float64       `json:"scale"`
	Bits       quant.BitWidth  `json:"bits,omitempty"`
	Range      Range           `json:"range"`
	Seen       Range           `json:"seen"`
	Inputs     []string        `json:"inputs,omitempty"`
}

// The attributes of each operation; weights are in weights.safetensors.
type (
	convAttributes struct {
		Stride   Pair  `json:"stride"`
		Padding  Sides `json:"padding"`
		Dilation Pair  `json:"dilation,omitzero"`
		Groups   int   `json:"groups,omitempty"`
	}
	poolAttributes struct {
		Kernel  Pair  `json:"kernel"`
		Stride  Pair  `json:"stride"`
		Padding Sides `json:"padding,omitzero"`
	}
	polynomialAttributes struct {
		Coefficients []Vec `json:"coefficients"`
	}
	reshapeAttributes struct {
		Shape []int `json:"shape"`
	}
	noAttributes struct{}
)

// describe is a node's manifest entry; weights and tables go to files of theirs,
// by the name given.
func describe(n *Node, name string, f, tables *safetensors.File) (manifestNode, error) {
	m := manifestNode{Name: n.Name, Op: n.Op.kind(), Shape: n.Shape, Scale: n.Scale, Bits: n.Bits, Range: n.Range, Seen: n.Seen, Inputs: n.Inputs}
	var attributes any
	switch op := n.Op.(type) {
	case *Dense, *Concat:
		attributes = noAttributes{}
	case *Conv2D:
		a := convAttributes{op.Stride, op.Padding, op.window().dilation, op.groups()}
		if a.Dilation == Both(1) {
			a.Dilation = Pair{}
		}
		if a.Groups == 1 {
			a.Groups = 0
		}
		attributes = a
	case *SumPool:
		attributes = poolAttributes(*op)
	case *MaxPool:
		attributes = poolAttributes(*op)
	case *Polynomial:
		attributes = polynomialAttributes{op.Coeffs}
	case *LookupTable:
		attributes = tableAttributes{op.Shift}
		storeTables(tables, name, op)
	case *Reshape:
		attributes = reshapeAttributes{op.Shape}
	case *Recurrent:
		var err error
		if attributes, err = describeBody(op, name, f, tables); err != nil {
			return m, err
		}
	case *Add, *Mul, *Shift, *Slice, *Domain:
		attributes = op
	default:
		return m, fmt.Errorf("operation %q has no form in schema %d", m.Op, Schema)
	}
	if w, ok := n.Op.(Weighted); ok {
		weight, shape, bias := w.parameters()
		wide := make([]int64, len(weight))
		for i, x := range weight {
			wide[i] = int64(x)
		}
		f.Tensors = append(f.Tensors, safetensors.FromInts(name+".weight", shape, wide))
		if err := storeInts(f, name+".bias", bias); err != nil {
			return m, err
		}
	}
	var err error
	m.Attributes, err = json.Marshal(attributes)
	return m, err
}

// node is the inverse of describe.
func (m *manifestNode) node(name string, weights, tables *safetensors.File) (Node, error) {
	n := Node{Name: m.Name, Shape: m.Shape, Scale: m.Scale, Bits: m.Bits, Range: m.Range, Seen: m.Seen, Inputs: m.Inputs}
	if m.Range.Lo == nil || m.Seen.Lo == nil {
		return n, fmt.Errorf("a range is missing")
	}
	if len(m.Shape) == 0 {
		return n, fmt.Errorf("%d scales for shape %v", len(m.Scale), m.Shape)
	}
	if err := checkScale(m.Scale, m.Shape[0]); err != nil {
		return n, err
	}
	switch m.Op {
	case KindDense:
		shape, weight, bias, err := m.parameters(name, weights, 2)
		if err != nil {
			return n, err
		}
		n.Op = &Dense{Units: shape[0], Inputs: shape[1], Weight: weight, Bias: bias}
		return n, strict.JSON(m.Attributes, &noAttributes{})
	case KindConv2D:
		shape, weight, bias, err := m.parameters(name, weights, 4)
		if err != nil {
			return n, err
		}
		var a convAttributes
		err = strict.JSON(m.Attributes, &a)
		if err != nil {
			return n, err
		}
		if a.Groups < 0 || a.Groups > MaxElements {
			return n, fmt.Errorf("groups %d are outside 1..%d", a.Groups, MaxElements)
		}
		n.Op = &Conv2D{
			Outputs: shape[0], Channels: shape[1] * max(1, a.Groups), Kernel: Pair{shape[2], shape[3]},
			Stride: a.Stride, Padding: a.Padding, Dilation: a.Dilation, Groups: a.Groups, Weight: weight, Bias: bias,
		}
		return n, nil
	case KindSumPool:
		var a poolAttributes
		err := strict.JSON(m.Attributes, &a)
		n.Op = new(SumPool(a))
		return n, err
	case KindMaxPool:
		var a poolAttributes
		err := strict.JSON(m.Attributes, &a)
		n.Op = new(MaxPool(a))
		return n, err
	case KindConcat:
		n.Op = &Concat{}
		return n, strict.JSON(m.Attributes, &noAttributes{})
	case KindSlice:
		var a Slice
		err := strict.JSON(m.Attributes, &a)
		n.Op = &a
		return n, err
	case KindPolynomial:
		var a polynomialAttributes
		err := strict.JSON(m.Attributes, &a)
		n.Op = &Polynomial{a.Coefficients}
		return n, err
	case KindLookupTable:
		var a tableAttributes
		if err := strict.JSON(m.Attributes, &a); err != nil {
			return n, err
		}
		t, err := loadTables(tables, name)
		n.Op = &LookupTable{a.Shift, t}
		return n, err
	case KindReshape:
		var a reshapeAttributes
		err := strict.JSON(m.Attributes, &a)
		n.Op = &Reshape{a.Shape}
		return n, err
	case KindRecurrent:
		var a recurrentAttributes
		if err := strict.JSON(m.Attributes, &a); err != nil {
			return n, err
		}
		r, err := a.recurrent(name, weights, tables)
		n.Op = r
		return n, err
	case KindAdd:
		var a Add
		err := strict.JSON(m.Attributes, &a)
		n.Op = &a
		return n, err
	case KindMul:
		var a Mul
		err := strict.JSON(m.Attributes, &a)
		n.Op = &a
		return n, err
	case KindShift:
		var a Shift
		err := strict.JSON(m.Attributes, &a)
		n.Op = &a
		return n, err
	case KindDomain:
		var a Domain
		err := strict.JSON(m.Attributes, &a)
		n.Op = &a
		return n, err
	}
	return n, fmt.Errorf("operation %q is unknown in schema %d", m.Op, Schema)
}

// checkScale wants one scale or one a channel, each finite and not 0.
func checkScale(scale []float64, channels int) error {
	if len(scale) != 1 && len(scale) != channels {
		return fmt.Errorf("%d scales for %d channels", len(scale), channels)
	}
	for _, s := range scale {
		if s == 0 || math.IsInf(s, 0) || math.IsNaN(s) {
			return fmt.Errorf("scale %v is not finite and nonzero", s)
		}
	}
	return nil
}

// parameters reads a node's weight, of the given rank and within its grid, and
// bias.
func (m *manifestNode) parameters(name string, f *safetensors.File, rank int) (shape []int, weight []int32, bias Vec, err error) {
	if err := quant.CheckBits(int(m.Bits), true); err != nil {
		return nil, nil, bias, err
	}
	limit := int64(quant.Params{Bits: m.Bits, Signed: true, NarrowRange: true}.QMax())
	w, ok := f.Get(name + ".weight")
	if !ok || len(w.Shape) != rank {
		return nil, nil, bias, fmt.Errorf("no weight of rank %d", rank)
	}
	wide, err := w.Ints()
	if err != nil {
		return nil, nil, bias, err
	}
	weight = make([]int32, len(wide))
	for i, x := range wide {
		if x < -limit || x > limit {
			return nil, nil, bias, fmt.Errorf("weight %d is %d, outside the %d-bit grid -%d..%d", i, x, m.Bits, limit, limit)
		}
		weight[i] = int32(x)
	}
	if bias, err = loadInts(f, name+".bias"); err != nil {
		return nil, nil, bias, err
	}
	return w.Shape, weight, bias, nil
}
