package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Foreign is a tensor of a file that another tool wrote. Its type is spelled as in
// the file.
type Foreign struct {
	Name  string
	DType string
	Shape []int
	Data  []byte // little endian, row-major; it aliases the file
}

// widths are the bytes of an element of every type of the format.
var widths = map[string]int{
	"BOOL": 1, "U8": 1, "I8": 1, "F8_E4M3": 1, "F8_E5M2": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
	"I32": 4, "U32": 4, "F32": 4, "I64": 8, "U64": 8, "F64": 8,
}

// ReadForeign reads a file in any encoding that the format allows: white space and
// keys in any order in the header, tensors in any order, with or without metadata.
// Tensors are returned in the order of their names. It is an error if a tensor's
// bytes are not of its shape, overlap another's, or leave a hole, as the format
// says, if a name or key stands twice, and if the file passes l.
func ReadForeign(b []byte, l Limits) (tensors []Foreign, metadata map[string]string, err error) {
	tensors, metadata, err = readForeign(b, l)
	if err != nil {
		return nil, nil, fmt.Errorf("safetensors: %w", err)
	}
	return tensors, metadata, nil
}

func readForeign(b []byte, l Limits) (tensors []Foreign, metadata map[string]string, err error) {
	header, data, err := split(b, l)
	if err != nil {
		return nil, nil, err
	}
	entries, err := members(header)
	if err != nil {
		return nil, nil, fmt.Errorf("header: %w", err)
	}
	spans := make([]span, 0, len(entries))
	for _, e := range entries {
		if e.key == metadataKey {
			if err := json.Unmarshal(e.value, &metadata); err != nil {
				return nil, nil, fmt.Errorf("header: %s holds more than texts", metadataKey)
			}
			continue
		}
		if len(tensors) == l.MaxTensors {
			return nil, nil, fmt.Errorf("there are more tensors than the limit %d", l.MaxTensors)
		}
		t, s, err := foreignTensor(e, data)
		if err != nil {
			return nil, nil, fmt.Errorf("tensor %.80q: %w", e.key, err)
		}
		tensors, spans = append(tensors, t), append(spans, s)
	}
	if err := covered(spans, len(data)); err != nil {
		return nil, nil, err
	}
	slices.SortFunc(tensors, func(a, b Foreign) int { return cmp.Compare(a.Name, b.Name) })
	return tensors, metadata, nil
}

type member struct {
	key   string
	value json.RawMessage
}

// members are the keys of a JSON object and their values, in order, each key once.
func members(b []byte) (all []member, err error) {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("it is no JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return nil, errors.New("it is not JSON")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("%.80q: it is not JSON", key)
		}
		if seen[key] {
			return nil, fmt.Errorf("%.80q stands twice", key)
		}
		seen[key] = true
		all = append(all, member{key, value})
	}
	if _, err := d.Token(); err != nil {
		return nil, errors.New("it is not JSON")
	}
	if rest := b[d.InputOffset():]; len(bytes.TrimRight(rest, " \t\r\n\x00")) > 0 {
		return nil, errors.New("something follows its end")
	}
	return all, nil
}

// span is where a tensor's bytes are.
type span struct {
	begin, end int
	name       string
}

func foreignTensor(e member, data []byte) (Foreign, span, error) {
	if err := checkName(e.key); err != nil {
		return Foreign{}, span{}, err
	}
	var d struct {
		DType   string `json:"dtype"`
		Shape   []int  `json:"shape"`
		Offsets []int  `json:"data_offsets"`
	}
	if _, err := members(e.value); err != nil {
		return Foreign{}, span{}, err
	}
	if err := json.Unmarshal(e.value, &d); err != nil {
		return Foreign{}, span{}, errors.New("want dtype, shape and data_offsets")
	}
	width, ok := widths[d.DType]
	if !ok {
		return Foreign{}, span{}, fmt.Errorf("dtype %.40q is not known", d.DType)
	}
	elements, err := byteSize(U8, d.Shape)
	if err != nil {
		return Foreign{}, span{}, err
	}
	if len(d.Offsets) != 2 || d.Offsets[0] < 0 || d.Offsets[1] < d.Offsets[0] || d.Offsets[1] > len(data) {
		return Foreign{}, span{}, fmt.Errorf("data_offsets %v are not within the %d bytes of data", d.Offsets, len(data))
	}
	begin, end := d.Offsets[0], d.Offsets[1]
	if have := end - begin; elements > len(data) || have != elements*width {
		return Foreign{}, span{}, fmt.Errorf("%s of shape %v does not take the %d bytes that it has", d.DType, d.Shape, have)
	}
	return Foreign{Name: e.key, DType: d.DType, Shape: d.Shape, Data: data[begin:end:end]}, span{begin, end, e.key}, nil
}

// covered reports an overlap or a hole.
func covered(spans []span, size int) error {
	slices.SortFunc(spans, func(a, b span) int { return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end)) })
	at := 0
	for _, s := range spans {
		if s.begin != at {
			return fmt.Errorf("tensor %.80q begins at byte %d of the data, want %d: tensors overlap or leave a hole", s.name, s.begin, at)
		}
		at = s.end
	}
	if at != size {
		return fmt.Errorf("%d bytes follow the data of the last tensor, want 0", size-at)
	}
	return nil
}

// Float32s are the elements as float32, exactly: elements of F16 and BF16 always are,
// elements of F64 where float32 has the same value. Anything else is an error that
// names the type, or the element and its value.
func (t *Foreign) Float32s() ([]float32, error) {
	out := make([]float32, len(t.Data)/widths[t.DType])
	switch t.DType {
	case "F32":
		for i := range out {
			out[i] = float32At(t.Data[4*i:])
		}
	case "BF16":
		for i := range out {
			out[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(t.Data[2*i:])) << 16)
		}
	case "F16":
		for i := range out {
			out[i] = half(binary.LittleEndian.Uint16(t.Data[2*i:]))
		}
	case "F64":
		for i := range out {
			x := float64At(t.Data[8*i:])
			if out[i] = float32(x); float64(out[i]) != x && x == x {
				return nil, fmt.Errorf("element %d is %v, which float32 cannot hold exactly: save the weights as float32", i, x)
			}
		}
	default:
		return nil, fmt.Errorf("its type is %s: want F32, F16, BF16 or F64", t.DType)
	}
	return out, nil
}

// half is the value of an IEEE binary16:
//
//	(-1)^s 2^(e-15) (1 + f/1024),   e = 0: (-1)^s 2^-14 f/1024,   e = 31: infinite or no number
func half(b uint16) float32 {
	sign, exponent, fraction := uint32(b>>15)<<31, uint32(b>>10)&31, uint32(b)&1023
	switch exponent {
	case 0:
		f := math.Float32bits(float32(fraction) * 0x1p-24)
		return math.Float32frombits(sign | f)
	case 31:
		return math.Float32frombits(sign | 255<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent+112)<<23 | fraction<<13)
}
