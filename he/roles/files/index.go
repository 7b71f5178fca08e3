package files

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"qtool/he/wire"
	"qtool/internal/hint"
	"qtool/internal/strict"
	"qtool/internal/whole"
)

// IndexFile is the file of a folder that lists its messages. It is written last: a folder
// without one is not complete.
const IndexFile = "index.json"

const (
	indexSchema   = 1
	maxIndexBytes = 1 << 29
	maxMessages   = 1 << 22
)

// ErrIndexVersion marks a folder of another version.
var ErrIndexVersion = errors.New("unsupported version of an index")

// Index lists the messages of one stream that stand in a folder, a file each.
type Index struct {
	Schema int `json:"schema"`
	// Kind is "inputs" or "outputs".
	Kind string `json:"kind"`
	// Spec is the hash of the client half, Key the secret key's id, Stream the stream's, all
	// in hex.
	Spec     string    `json:"spec"`
	Key      string    `json:"key"`
	Stream   string    `json:"stream"`
	Samples  int64     `json:"samples"`
	Messages []Listing `json:"messages"`
}

// Listing is a message in an index.
type Listing struct {
	File    string `json:"file"`
	Samples uint32 `json:"samples"`
	Bytes   int64  `json:"bytes"`
	SHA256  string `json:"sha256"`
}

// messageFile is the name of message i of a folder.
func messageFile(i int) string { return fmt.Sprintf("%08d.qbm", i) }

// kindOf is the kind of a folder's messages.
func (x *Index) kindOf() (wire.Kind, error) {
	for _, k := range []wire.Kind{wire.Inputs, wire.Outputs} {
		if x.Kind == k.String() {
			return k, nil
		}
	}
	return 0, fmt.Errorf("kind %q is neither %q nor %q", x.Kind, wire.Inputs, wire.Outputs)
}

// object is what message i says of itself, without its length.
func (x *Index) object(i int) (o wire.Object, err error) {
	if o.Kind, err = x.kindOf(); err != nil {
		return o, err
	}
	for _, part := range []struct {
		name string
		to   []byte
		from string
	}{{"spec", o.Spec[:], x.Spec}, {"key", o.Key[:], x.Key}, {"stream", o.Message.Stream[:], x.Stream}} {
		b, err := hex.DecodeString(part.from)
		if err != nil || len(b) != len(part.to) {
			return o, fmt.Errorf("%s: %q is not of %d bytes in hex", part.name, part.from, len(part.to))
		}
		copy(part.to, b)
	}
	o.Message.Index, o.Message.Last, o.Message.Samples = uint32(i), i == len(x.Messages)-1, x.Messages[i].Samples
	return o, nil
}

// listed begins an index of a stream, of which o is a message.
func listed(o wire.Object) Index {
	return Index{
		Schema: indexSchema, Kind: o.Kind.String(), Spec: hex.EncodeToString(o.Spec[:]), Key: hex.EncodeToString(o.Key[:]),
		Stream: hex.EncodeToString(o.Message.Stream[:]),
	}
}

func (x *Index) check() error {
	if n := len(x.Messages); n < 1 || n > maxMessages {
		return fmt.Errorf("%d messages, want 1..%d", n, maxMessages)
	}
	if _, err := x.object(0); err != nil {
		return err
	}
	var samples int64
	for i, m := range x.Messages {
		sum, err := hex.DecodeString(m.SHA256)
		if m.File != messageFile(i) || m.Samples == 0 || m.Bytes < wire.Size(0) || len(sum) != 32 || err != nil {
			return fmt.Errorf("message %d is %q, of %d samples in %d bytes with SHA-256 %q", i, m.File, m.Samples, m.Bytes, m.SHA256)
		}
		samples += int64(m.Samples)
	}
	if samples != x.Samples {
		return fmt.Errorf("%d samples, the messages have %d", x.Samples, samples)
	}
	return nil
}

// readIndex reads the index of a folder.
func readIndex(dir string) (*Index, error) {
	return whole.Read(filepath.Join(dir, IndexFile), maxIndexBytes, decodeIndex)
}

func decodeIndex(b []byte) (*Index, error) {
	var version struct {
		Schema int `json:"schema"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return nil, err
	}
	if version.Schema != indexSchema {
		return nil, hint.With(fmt.Errorf("schema %d, this reads %d: %w", version.Schema, indexSchema, ErrIndexVersion), "make the folder again with this version")
	}
	var x Index
	if err := strict.JSON(b, &x); err != nil {
		return nil, err
	}
	if err := x.check(); err != nil {
		return nil, err
	}
	if err := whole.Canonical(b, x.encode); err != nil {
		return nil, err
	}
	return &x, nil
}

func (x *Index) encode() ([]byte, error) {
	b, err := json.MarshalIndent(x, "", " ")
	return append(b, '\n'), err
}

// write makes the folder complete.
func (x *Index) write(dir string) error { return whole.Write(filepath.Join(dir, IndexFile), x.encode) }
