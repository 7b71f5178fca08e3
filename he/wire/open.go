package wire

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// ErrMagic marks bytes that are no object of qtool's.
var ErrMagic = errors.New("not an encryption file of qtool")

// Open reads the head of an object. It returns io.EOF where there is nothing at all, an
// error that wraps ErrMagic for what is no object, and one that wraps ErrVersion for an
// object of another version. What the payload is has not been looked at: the caller
// compares the head with what it expects, its length above all, before it reads on.
func Open(r io.Reader) (*Reader, error) {
	c := &chunkReader{r: r, hash: sha256.New()}
	var head [headBytes]byte
	if n, err := io.ReadFull(r, head[:len(magic)+1]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		return nil, cut("an object", int64(n), err)
	}
	if got := head[:len(magic)]; string(got) != magic {
		for _, old := range earlier {
			if string(got) == old {
				return nil, fmt.Errorf("wire: the file begins with %q, of version 1, this reads %d: %w; make it again", got, Version, ErrVersion)
			}
		}
		return nil, fmt.Errorf("wire: the file begins with %q, want %q: %w", got, magic, ErrMagic)
	}
	if v := head[len(magic)]; v != Version {
		return nil, fmt.Errorf("wire: an object of version %d, this reads %d: %w", v, Version, ErrVersion)
	}
	if n, err := io.ReadFull(r, head[len(magic)+1:]); err != nil {
		return nil, cut("an object", int64(len(magic)+1+n), err)
	}
	b, check := head[:headBytes-sha256.Size], head[headBytes-sha256.Size:]
	c.hash.Write(b)
	kind := Kind(b[9])
	if !bytes.Equal(c.hash.Sum(nil), check) {
		return nil, fmt.Errorf("wire: the head of the %v is damaged", kind)
	}
	c.hash.Write(check)
	c.n = headBytes
	o := Object{Kind: kind, Spec: [32]byte(b[12:]), Key: KeyID(b[44:])}
	o.Message = Message{
		Stream: StreamID(b[60:]), Last: b[10] == 1,
		Index: binary.LittleEndian.Uint32(b[76:]), Samples: binary.LittleEndian.Uint32(b[80:]),
	}
	length := binary.LittleEndian.Uint64(b[84:])
	switch {
	case kind < 1 || int(kind) > len(kindNames):
		return nil, fmt.Errorf("wire: an object of the unknown kind %d", b[9])
	case b[10] > 1 || b[11] != 0:
		return nil, fmt.Errorf("wire: the head of the %v has the bytes %d, %d where flags are, want 0 or 1, and 0", kind, b[10], b[11])
	case length > 1<<62:
		return nil, fmt.Errorf("wire: %v of %d bytes", kind, length)
	case o.Message != (Message{}) && kind != Inputs && kind != Outputs:
		return nil, fmt.Errorf("wire: %v with the place of a message", kind)
	case o.Key != (KeyID{}) && (kind == ClientHalf || kind == ServerHalf):
		return nil, fmt.Errorf("wire: %v with the id of a key", kind)
	case o.Spec != ([32]byte{}) && kind == ClientHalf:
		return nil, fmt.Errorf("wire: %v with the hash of another", kind)
	}
	o.Length = int64(length)
	c.left, c.name = o.Length, kind.String()
	return &Reader{head: o, object: c}, nil
}

// cut says where bytes end.
func cut(name string, at int64, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("wire: %s is truncated at byte %d: %w", name, at, io.ErrUnexpectedEOF)
	}
	return fmt.Errorf("wire: reading %s at byte %d: %w", name, at, err)
}

// chunkReader gives bytes of the payload once their check was right.
type chunkReader struct {
	r     io.Reader
	name  string
	hash  hash.Hash
	left  int64 // bytes of payload to come
	n     int64 // bytes read
	chunk []byte
	ready []byte // of chunk, not yet given
	err   error
}

// Read implements io.Reader.
func (c *chunkReader) Read(b []byte) (int, error) {
	if len(c.ready) == 0 {
		c.next()
	}
	if c.err != nil {
		return 0, c.err
	}
	n := copy(b, c.ready)
	c.ready = c.ready[n:]
	return n, nil
}

func (c *chunkReader) next() {
	if c.err != nil {
		return
	}
	if c.left == 0 {
		c.err = fmt.Errorf("wire: %s ends at byte %d, and more was to be read", c.name, c.n)
		return
	}
	n := int(min(c.left, chunkBytes))
	if c.chunk == nil {
		c.chunk = make([]byte, min(c.left, chunkBytes)+sha256.Size)
	}
	b := c.chunk[:n+sha256.Size]
	if got, err := io.ReadFull(c.r, b); err != nil {
		c.err = cut(c.name, c.n+int64(got), err)
		return
	}
	c.hash.Write(b[:n])
	if !bytes.Equal(c.hash.Sum(nil), b[n:]) {
		c.err = fmt.Errorf("wire: %s is damaged before byte %d", c.name, c.n+int64(n))
		return
	}
	c.hash.Write(b[n:])
	c.n, c.left, c.ready = c.n+int64(len(b)), c.left-int64(n), b[:n]
}

// end says whether the payload was read to its end.
func (c *chunkReader) end() error {
	if c.err == nil && c.left+int64(len(c.ready)) != 0 {
		c.err = fmt.Errorf("wire: %s has %d bytes too many", c.name, c.left+int64(len(c.ready)))
	}
	return c.err
}
