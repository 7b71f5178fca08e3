package safetensors

import (
	"encoding/json"
	"fmt"

	"qtool/internal/strict"
)

// sumKey is where a file's metadata has its own Sum.
const sumKey = "sha256"

// Seal puts f's Sum into its metadata, so that CheckSeal sees altered tensors.
func (f *File) Seal() {
	if f.Metadata == nil {
		f.Metadata = map[string]string{}
	}
	f.Metadata[sumKey] = f.Sum()
}

// CheckSeal refuses tensors that are not the ones that Seal sealed.
func (f *File) CheckSeal() error {
	if got, want := f.Sum(), f.Metadata[sumKey]; got != want {
		return fmt.Errorf("altered or damaged: the tensors have SHA-256 %s, the metadata says %q", got, want)
	}
	return nil
}

// Describe puts values into the metadata as JSON.
func (f *File) Describe(values map[string]any) error {
	if f.Metadata == nil {
		f.Metadata = map[string]string{}
	}
	for key, v := range values {
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Errorf("metadata %q: %w", key, err)
		}
		f.Metadata[key] = string(b)
	}
	return nil
}

// Description reads the metadata's JSON into the values, which are pointers. A key
// without a value, apart from Seal's, and an unknown field are errors; a value
// whose key is not there stays as it is.
func (f *File) Description(values map[string]any) error {
	for key, text := range f.Metadata {
		if key == sumKey {
			continue
		}
		into, ok := values[key]
		if !ok {
			return fmt.Errorf("unknown metadata key %q", key)
		}
		if err := strict.JSON([]byte(text), into); err != nil {
			return fmt.Errorf("metadata %q: %w", key, err)
		}
	}
	return nil
}
