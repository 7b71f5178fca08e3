package bundle

import (
	"crypto/sha256"
	"fmt"
	"slices"
)

// CheckEnds checks what a client knows of a program: its input, and the shape, scales and
// static bound of its outputs, one a label.
func CheckEnds(in Input, out *Node, labels []string) error {
	if _, err := elements(in.Shape); err != nil {
		return fmt.Errorf("input: %w", err)
	}
	if err := in.Quantizer.Validate(); err != nil {
		return fmt.Errorf("input quantizer: %w", err)
	}
	if len(out.Shape) != 1 || out.Shape[0] != len(labels) || len(labels) == 0 || len(labels) > MaxElements {
		return fmt.Errorf("output shape %v for %d labels", out.Shape, len(labels))
	}
	if err := checkScale(out.Scale, out.Shape[0]); err != nil {
		return err
	}
	if out.Range.Lo == nil || out.Range.Hi == nil || out.Range.Lo.Cmp(out.Range.Hi) > 0 || out.Range.Bits() > MaxRangeBits {
		return fmt.Errorf("output range %v", out.Range)
	}
	return nil
}

// Alone is the file of a program without golden vectors, provenance and encoder: what is
// needed to run it on samples.
func Alone(p *Program) *File {
	bare := *p
	bare.Nodes = slices.Clone(p.Nodes)
	return &File{Program: &bare}
}

// Hash is the SHA-256 of the program's own file; see Alone.
func (p *Program) Hash() ([32]byte, error) {
	b, err := Alone(p).Encode()
	return sha256.Sum256(b), err
}
