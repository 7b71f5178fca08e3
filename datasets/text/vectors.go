package text

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"

	"qtool/datasets"
	"qtool/encode"
	"qtool/internal/whole"
)

var gloveFile = []datasets.File{{
	Name: "glove.6B.50d.sentiment-vocab.txt.gz", Size: 1258227,
	SHA256: "57e495915fbf7b3df035598bb6672ac413db41b00b9c6c800517079f4d188268",
}}

// Limits of an embedding file.
const (
	maxVectorSize  = 1024
	maxVectorWords = 1 << 22
	maxVectorBytes = 1 << 30 // unpacked
	maxWordBytes   = 1024
)

// LoadVectors reads embeddings of the given size: "glove" is the part of GloVe 6B
// that the project's data has, anything else the path of a file in the text form
// that ParseVectors reads, plain or gzip.
//
// Reference: Pennington et al., "GloVe: Global Vectors for Word Representation",
// EMNLP 2014.
func LoadVectors(ctx context.Context, name string, size int, o datasets.Options) (*encode.Vectors, error) {
	var b []byte
	if name == "glove" {
		parts, err := datasets.ReadFiles(ctx, "embeddings", gloveFile, o)
		if err != nil {
			return nil, err
		}
		b = parts[0]
	} else {
		var err error
		if b, err = whole.Bytes(o.File(name), maxVectorBytes); err != nil {
			return nil, fmt.Errorf("text: vectors: %w", err)
		}
	}
	b, err := unpack(b)
	if err != nil {
		return nil, fmt.Errorf("text: vectors %s: %w", name, err)
	}
	v, err := ParseVectors(b, size)
	if err != nil {
		return nil, fmt.Errorf("text: vectors %s: %w", name, err)
	}
	return v, nil
}

// unpack is b itself, or what a gzip file holds.
func unpack(b []byte) ([]byte, error) {
	if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		if b, err = io.ReadAll(io.LimitReader(z, maxVectorBytes+1)); err != nil {
			return nil, err
		}
	}
	if len(b) > maxVectorBytes {
		return nil, fmt.Errorf("it passes the limit of %d bytes", maxVectorBytes)
	}
	return b, nil
}
