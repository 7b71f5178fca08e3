package whole

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
)

// SHA256 is the hash of a regular file in hex, and its size in bytes.
func SHA256(path string) (sum string, size int64, err error) {
	f, err := Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	h := sha256.New()
	if size, err = io.Copy(h, f); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// Same reports whether two regular files are there and have the same bytes.
func Same(a, b string) bool {
	x, _, errA := SHA256(a)
	y, _, errB := SHA256(b)
	return errA == nil && errB == nil && x == y
}

// OnePath reports whether two paths are of one existing file or folder.
func OnePath(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}
