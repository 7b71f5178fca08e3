package safetensors

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"
)

// headerAlign is the number of bytes the header's length is a multiple of.
const headerAlign = 8

// Encode returns the canonical encoding of f. It does not change f.
//
// It is an error if a name is empty, reserved, repeated or longer than 1024 bytes,
// if a name or a metadata string is not UTF-8, if a dtype is not known, if a shape
// has more than 64 dimensions or one below 0, or if a tensor's data does not have
// the length that its shape and dtype ask for.
func Encode(f *File) ([]byte, error) {
	tensors := slices.SortedFunc(slices.Values(f.Tensors), func(a, b Tensor) int {
		return cmp.Compare(a.Name, b.Name)
	})
	total := 0
	for i := range tensors {
		t := &tensors[i]
		if err := t.check(); err != nil {
			return nil, fmt.Errorf("safetensors: %w", err)
		}
		if i > 0 && t.Name == tensors[i-1].Name {
			return nil, fmt.Errorf("safetensors: tensor %q: the name occurs twice", t.Name)
		}
		total += len(t.Data)
	}
	for k, v := range f.Metadata {
		if !utf8.ValidString(k) || !utf8.ValidString(v) {
			return nil, fmt.Errorf("safetensors: metadata %.40q: %.40q is not UTF-8", k, v)
		}
	}

	header := appendHeader(nil, f.Metadata, tensors)
	b := make([]byte, 0, 8+len(header)+total)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(header)))
	b = append(b, header...)
	for i := range tensors {
		b = append(b, tensors[i].Data...)
	}
	return b, nil
}

// appendHeader appends the canonical header of tensors, which are valid and
// sorted by name, to b, whose length is a multiple of headerAlign.
func appendHeader(b []byte, metadata map[string]string, tensors []Tensor) []byte {
	b = append(b, '{')
	if len(metadata) > 0 {
		b = appendMetadata(b, metadata)
	}
	end := 0
	for i := range tensors {
		t := &tensors[i]
		if i > 0 || len(metadata) > 0 {
			b = append(b, ',')
		}
		b = appendText(b, t.Name)
		b = append(b, `:{"dtype":`...)
		b = appendText(b, string(t.DType))
		b = append(b, `,"shape":`...)
		b = appendInts(b, t.Shape...)
		b = append(b, `,"data_offsets":`...)
		b = appendInts(b, end, end+len(t.Data))
		b = append(b, '}')
		end += len(t.Data)
	}
	b = append(b, '}')
	for len(b)%headerAlign != 0 {
		b = append(b, ' ')
	}
	return b
}

// appendMetadata appends the metadata key and its object to b.
func appendMetadata(b []byte, metadata map[string]string) []byte {
	b = appendText(b, metadataKey)
	b = append(b, ':')
	sep := byte('{')
	for _, k := range slices.Sorted(maps.Keys(metadata)) {
		b = append(b, sep)
		b = appendText(b, k)
		b = append(b, ':')
		b = appendText(b, metadata[k])
		sep = ','
	}
	return append(b, '}')
}

// appendInts appends the JSON array of v to b.
func appendInts(b []byte, v ...int) []byte {
	b = append(b, '[')
	for i, n := range v {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	return append(b, ']')
}

// shortEscapes pairs the bytes that JSON escapes with one letter with that letter.
var shortEscapes = map[byte]byte{
	'"': '"', '\\': '\\', '\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't',
}

// appendText appends the JSON string of s, which is UTF-8, to b. It escapes
// only the quote, the backslash and the control characters below space, by one
// letter where JSON has one and as \u00xx with lower-case digits otherwise.
func appendText(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			b = append(b, c)
		} else if e, ok := shortEscapes[c]; ok {
			b = append(b, '\\', e)
		} else {
			b = append(b, `\u00`...)
			b = append(b, digits[c>>4], digits[c&15])
		}
	}
	return append(b, '"')
}
