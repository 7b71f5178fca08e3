package wire

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
)

// Create writes the head of an object. What is written must be o.Length bytes in all; End
// says so if they are not.
func Create(w io.Writer, o Object) *Writer {
	c := &chunkWriter{w: w, hash: sha256.New(), left: o.Length}
	out := &Writer{object: c}
	if c.put(o.encode()); c.err == nil {
		c.check()
	}
	out.err = c.err
	return out
}

// chunkWriter puts a check behind every chunk.
type chunkWriter struct {
	w       io.Writer
	hash    hash.Hash
	left    int64 // bytes of payload to come
	inChunk int
	n       int64 // bytes written
	err     error
}

func (c *chunkWriter) put(b []byte) {
	if c.err == nil {
		c.hash.Write(b)
		var n int
		n, c.err = c.w.Write(b)
		c.n += int64(n)
	}
}

// check writes the SHA-256 of all before it.
func (c *chunkWriter) check() { c.put(c.hash.Sum(nil)) }

// Write implements io.Writer.
func (c *chunkWriter) Write(b []byte) (int, error) {
	if c.err == nil && int64(len(b)) > c.left {
		c.err = fmt.Errorf("%d bytes more than the object was said to have", int64(len(b))-c.left)
	}
	n := 0
	for len(b) > 0 && c.err == nil {
		part := b[:min(len(b), chunkBytes-c.inChunk)]
		c.put(part)
		n, b = n+len(part), b[len(part):]
		c.inChunk, c.left = c.inChunk+len(part), c.left-int64(len(part))
		if c.inChunk == chunkBytes || c.left == 0 {
			c.check()
			c.inChunk = 0
		}
	}
	return n, c.err
}

func (c *chunkWriter) end() (int64, error) {
	if c.err == nil && c.left != 0 {
		c.err = fmt.Errorf("%d bytes fewer than the object was said to have", c.left)
	}
	return c.n, c.err
}
