package encode

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"qtool/internal/safetensors"
	"qtool/internal/strict"
	"qtool/internal/whole"
)

// MaxBytes bounds an encoder's file.
const MaxBytes = 1 << 28

// headKey is the metadata of an encoder's file that holds its head, as JSON.
const headKey = "encoder"

// head is all of an encoder but its tensors.
type head interface {
	// withSum is the head with another SHA-256.
	withSum(sum string) head
	// stated is what a file says: its schema, beside the newest one, and the SHA-256 of
	// head and tensors.
	stated() (schema, newest int, sum string)
}

// sumOf is the SHA-256, in hex, of a head and of tensors with the given hash: the hash
// of the head's JSON with the tensors' hash in the place of its own.
func sumOf(h head, tensors string) (string, error) {
	b, err := json.Marshal(h.withSum(tensors))
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:]), err
}

// seal is the file of tensors with a head.
func seal(f *safetensors.File, h head) ([]byte, error) {
	sum, err := sumOf(h, f.Sum())
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(h.withSum(sum))
	if err != nil {
		return nil, err
	}
	f.Metadata = map[string]string{headKey: string(text)}
	return safetensors.Encode(f)
}

// unseal reads the head of a file, of a schema that is known, and holds its SHA-256 to
// what is there.
func unseal[H head](f *safetensors.File) (h H, err error) {
	if err := strict.JSON([]byte(f.Metadata[headKey]), &h); err != nil {
		return h, err
	}
	schema, newest, sum := h.stated()
	if schema != newest {
		return h, fmt.Errorf("schema %d, this version reads %d", schema, newest)
	}
	if got, err := sumOf(h, f.Sum()); err != nil || got != sum {
		return h, fmt.Errorf("it is altered or damaged: its SHA-256 is %s, the metadata says %q", got, sum)
	}
	return h, nil
}

// Decode reads the file of an encoder of any kind strictly: what MarshalBinary did not
// write, and anything altered, is an error.
func Decode(b []byte) (Encoder, error) {
	e, err := decode(b)
	if err != nil {
		return nil, fmt.Errorf("encode: encoder file: %w", err)
	}
	return e, nil
}

func decode(b []byte) (e Encoder, err error) {
	f, err := safetensors.Decode(b, safetensors.Limits{MaxBytes: MaxBytes, MaxHeader: 1 << 16, MaxTensors: 3})
	if err != nil {
		return nil, err
	}
	var says struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal([]byte(f.Metadata[headKey]), &says); err != nil {
		return nil, fmt.Errorf("metadata %q: %w", headKey, err)
	}
	switch says.Kind {
	case "":
		e, err = decodeText(f)
	case KindPixels:
		e, err = decodePixels(f)
	default:
		return nil, fmt.Errorf("kind %q is unknown, this version reads %s and %s", says.Kind, KindPixels, KindText)
	}
	if err != nil {
		return nil, err
	}
	if err := whole.Canonical(b, e.MarshalBinary); err != nil {
		return nil, err
	}
	return e, nil
}
