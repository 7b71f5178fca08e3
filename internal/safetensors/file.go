package safetensors

import (
	"fmt"
	"os"
)

// ReadFile is os.ReadFile for files of at most DefaultLimits.MaxBytes: it refuses
// a larger one before it reads any of it.
func ReadFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if limit := DefaultLimits.MaxBytes; info.Size() > limit {
		return nil, fmt.Errorf("%s: %d bytes pass the limit of %d", path, info.Size(), limit)
	}
	return os.ReadFile(path)
}
