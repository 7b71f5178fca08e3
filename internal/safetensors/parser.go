package safetensors

import "fmt"

// A parser reads a header and cuts the tensors out of the data.
//
//	header = "{" [ entry { "," entry } ] "}"
//	entry  = `"__metadata__":` "{" pair { "," pair } "}" | tensor
//	pair   = text ":" text
//	tensor = text `:{"dtype":` text `,"shape":` ints `,"data_offsets":` ints "}"
//
// It checks what the grammar leaves open: order, uniqueness, limits and offsets.
// What follows the header's closing brace is left to the caller.
type parser struct {
	scanner
	data       []byte // of all tensors
	end        int    // offset in data after the last tensor read
	maxTensors int
	file       File // what was read so far
}

// header reads the header and checks that the tensors cover the data.
func (p *parser) header() {
	p.list('{', '}', p.entry)
	if p.end != len(p.data) {
		p.failf("%d bytes follow the data of the last tensor, want 0", len(p.data)-p.end)
	}
}

// entry reads the metadata or a tensor.
func (p *parser) entry() {
	key := p.text()
	p.expect(":")
	switch {
	case p.err != nil:
	case key == metadataKey:
		p.metadata()
	case checkName(key) != nil:
		p.fail(checkName(key))
	default:
		p.tensor(key)
		if p.err != nil {
			p.err = fmt.Errorf("tensor %q: %w", key, p.err)
		}
	}
}

// metadata reads the value of the metadata key.
func (p *parser) metadata() {
	if p.file.Metadata != nil {
		p.failf("%s occurs twice", metadataKey)
	}
	if len(p.file.Tensors) > 0 {
		p.failf("%s follows a tensor, want it first", metadataKey)
	}
	m := make(map[string]string)
	last := ""
	p.list('{', '}', func() {
		k := p.text()
		p.expect(":")
		v := p.text()
		if len(m) > 0 && k <= last {
			p.failf("metadata %.40q follows %.40q, want increasing keys", k, last)
		}
		m[k], last = v, k
	})
	if len(m) == 0 {
		p.failf("%s is empty, want it left out", metadataKey)
	}
	p.file.Metadata = m
}

// tensor reads the description of the tensor called name and takes its data.
func (p *parser) tensor(name string) {
	tensors := p.file.Tensors
	if len(tensors) >= p.maxTensors {
		p.failf("there are more tensors than the limit %d", p.maxTensors)
		return
	}
	if n := len(tensors); n > 0 && name <= tensors[n-1].Name {
		p.failf("it follows %q, want increasing names", tensors[n-1].Name)
		return
	}
	p.expect(`{"dtype":`)
	dtype := DType(p.text())
	p.expect(`,"shape":`)
	shape := p.ints(maxDims)
	p.expect(`,"data_offsets":`)
	offsets := p.ints(2)
	p.expect(`}`)
	if p.err != nil {
		return
	}

	size, err := byteSize(dtype, shape)
	if err != nil {
		p.fail(err)
		return
	}
	if left := len(p.data) - p.end; size > left {
		p.failf("%s of shape %v takes %d bytes, only %d are left", dtype, shape, size, left)
		return
	}
	begin, end := p.end, p.end+size
	if len(offsets) != 2 || offsets[0] != begin || offsets[1] != end {
		p.failf("data_offsets are %v, want [%d %d]", offsets, begin, end)
		return
	}
	p.file.Tensors = append(tensors, Tensor{Name: name, DType: dtype, Shape: shape, Data: p.data[begin:end:end]})
	p.end = end
}
