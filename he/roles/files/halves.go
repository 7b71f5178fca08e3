package files

import (
	"context"
	"fmt"
	"io"

	"qtool/he"
	"qtool/he/roles"
	"qtool/he/wire"
	"qtool/internal/whole"
)

// WriteHalves writes the two halves of a plan: both appear when both are complete. It
// returns their sizes in bytes.
func WriteHalves(client, server string, spec *he.ClientSpec, half *roles.ServerHalf) (sizes [2]int64, err error) {
	var files [2]*whole.Pending
	for i, part := range []struct {
		path  string
		write func(io.Writer) error
	}{{client, spec.Write}, {server, half.Write}} {
		if files[i], err = whole.Create(part.path, 0o644); err != nil {
			return sizes, err
		}
		defer files[i].Discard()
		n := &counted{w: files[i]}
		if err := part.write(n); err != nil {
			return sizes, fmt.Errorf("%s: %w", part.path, err)
		}
		sizes[i] = n.n
	}
	for _, f := range files {
		if err := f.Commit(); err != nil {
			return sizes, err
		}
	}
	return sizes, nil
}

// counted counts bytes.
type counted struct {
	w io.Writer
	n int64
}

// Write implements io.Writer.
func (c *counted) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// ReadClientHalf reads a client half from a file.
func ReadClientHalf(path string) (*he.ClientSpec, error) {
	o, err := Open(path, wire.ClientHalf)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	s, err := he.ReadClientSpec(o)
	if err == nil {
		err = Ended(o)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// ReadServerHalf reads a server half from a file.
func ReadServerHalf(ctx context.Context, path string) (*roles.ServerHalf, error) {
	o, err := Open(path, wire.ServerHalf)
	if err != nil {
		return nil, err
	}
	defer o.Close()
	h, err := roles.ReadServerHalf(ctx, o)
	if err == nil {
		err = Ended(o)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return h, nil
}

// Ended refuses bytes behind the object that is all of a file.
func Ended(r io.Reader) error {
	if n, err := io.ReadFull(r, make([]byte, 1)); n > 0 {
		return fmt.Errorf("the file goes on behind the object")
	} else if err != io.EOF {
		return err
	}
	return nil
}
