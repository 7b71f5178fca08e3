package safetensors

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Sum is the hex SHA-256 of all tensors: for each, in name order, its name,
// dtype and shape as text and its data. Nothing else in the format
// shows when a value was altered: see Seal.
func (f *File) Sum() string {
	h := sha256.New()
	for _, t := range slices.SortedFunc(slices.Values(f.Tensors), func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) }) {
		fmt.Fprintf(h, "%q %s %v\n", t.Name, t.DType, t.Shape)
		h.Write(t.Data)
	}
	return hex.EncodeToString(h.Sum(nil))
}
