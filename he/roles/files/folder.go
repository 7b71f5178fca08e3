package files

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"qtool/he/wire"
	"qtool/internal/hint"
	"qtool/internal/whole"
)

// Folder is an encrypted dataset: a folder with the messages of one stream, a file each,
// and an index. Messages are read one by one.
type Folder struct {
	Dir string
	Index
}

// IsFolder reports whether there is a folder at a path.
func IsFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// OpenFolder reads the index of a folder of messages of one kind.
func OpenFolder(dir string, want wire.Kind) (*Folder, error) {
	x, err := readIndex(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, hint.With(fmt.Errorf("%s: %w: it is no folder of messages, or not a complete one", filepath.Join(dir, IndexFile), fs.ErrNotExist), made(want))
	}
	if err != nil {
		return nil, err
	}
	f := &Folder{dir, *x}
	o, err := f.object(0)
	if err != nil {
		return nil, err
	}
	if o.Kind != want {
		return nil, hint.With(fmt.Errorf("%s: it has %s, want %s", dir, Noun(o.Kind), Noun(want)), made(want))
	}
	return f, nil
}

// First is the folder's first message as an object that was opened, whose head can be
// compared with others. Reading it reads all messages, one behind the other.
func (f *Folder) First() (*Object, error) {
	o, err := f.object(0)
	if err != nil {
		return nil, err
	}
	all := &chain{f: f}
	return &Object{Path: f.Dir, Head: o, Reader: all, close: all.close}, nil
}

// Message is a message of a folder, opened: its head was read, and is what the index says.
type Message struct {
	*wire.Reader
	file *file
}

// End reads the rest of the message, and refuses one that is damaged or not the one that
// was listed.
func (m *Message) End() error {
	if err := m.Reader.End(); err != nil {
		return fmt.Errorf("%s: %w", m.file.path, err)
	}
	return m.file.end()
}

// Close closes the file.
func (m *Message) Close() error { return m.file.Close() }

// Open opens message i. It panics if i is not in [0, len(Messages)).
func (f *Folder) Open(i int) (*Message, error) {
	want, err := f.object(i)
	if err != nil {
		return nil, err
	}
	file, err := f.open(i)
	if err != nil {
		return nil, err
	}
	m := &Message{file: file}
	if m.Reader, err = wire.Open(file); err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	if err == nil {
		got := m.Object()
		if want.Length = got.Length; got != want {
			err = errors.New("it is not the message that the index lists")
		}
	}
	if err != nil {
		_ = file.Close() // nothing was written
		return nil, fmt.Errorf("%s: %w", file.path, err)
	}
	return m, nil
}

// All opens the messages one by one, in order. The loop reads each to its end; what it
// leaves of one is read and checked before the next. It stops at the first error.
func (f *Folder) All() iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		for i := range f.Messages {
			m, err := f.Open(i)
			if err != nil {
				yield(nil, err)
				return
			}
			more := yield(m, nil)
			if more {
				if _, err = io.Copy(io.Discard, m.file); err == nil {
					err = m.file.end()
				}
			}
			_ = m.Close() // nothing was written
			if !more {
				return
			}
			if err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// file is a listed file that is hashed as it is read.
type file struct {
	path string
	want Listing
	f    *os.File
	in   *bufio.Reader
	hash hash.Hash
	n    int64
}

func (f *Folder) open(i int) (*file, error) {
	m := f.Messages[i]
	path := filepath.Join(f.Dir, m.File)
	r, err := whole.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := r.Stat()
	if err == nil && info.Size() != m.Bytes {
		err = fmt.Errorf("%s: %d bytes, the index lists %d", path, info.Size(), m.Bytes)
	}
	if err != nil {
		_ = r.Close() // nothing was written
		return nil, err
	}
	return &file{path: path, want: m, f: r, in: bufio.NewReaderSize(r, 1<<16), hash: sha256.New()}, nil
}

// Read implements io.Reader.
func (f *file) Read(b []byte) (int, error) {
	n, err := f.in.Read(b)
	f.hash.Write(b[:n])
	f.n += int64(n)
	return n, err
}

// end refuses a file that was not listed so.
func (f *file) end() error {
	if sum := hex.EncodeToString(f.hash.Sum(nil)); f.n != f.want.Bytes || sum != f.want.SHA256 {
		return fmt.Errorf("%s: %d bytes with SHA-256 %s, the index lists %d with %s", f.path, f.n, sum, f.want.Bytes, f.want.SHA256)
	}
	return nil
}

// Close closes the file.
func (f *file) Close() error { return f.f.Close() }

// chain reads a folder's files one behind the other, and checks each at its end.
type chain struct {
	f   *Folder
	at  int
	now *file // nil between two
}

// Read implements io.Reader.
func (c *chain) Read(b []byte) (int, error) {
	for {
		if c.now == nil {
			if c.at == len(c.f.Messages) {
				return 0, io.EOF
			}
			var err error
			if c.now, err = c.f.open(c.at); err != nil {
				return 0, err
			}
			c.at++
		}
		n, err := c.now.Read(b)
		if err != io.EOF {
			return n, err
		}
		if err := errors.Join(c.now.end(), c.close()); err != nil {
			return n, err
		}
		if n > 0 {
			return n, nil
		}
	}
}

func (c *chain) close() error {
	if c.now == nil {
		return nil
	}
	f := c.now
	c.now = nil
	return f.Close()
}
