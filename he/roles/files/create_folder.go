package files

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path/filepath"

	"qtool/he/wire"
	"qtool/internal/hint"
	"qtool/internal/lock"
	"qtool/internal/whole"
)

// NewFolder is a folder of messages that is being written: each message appears when it is
// complete, and the index at the end. What is written to it is a stream of objects.
type NewFolder struct {
	dir   string
	lock  *lock.Held
	made  bool // the folder itself was
	index Index
	head  []byte // of the message now, as far as it was written
	left  int64  // bytes of it to come, once its head is there
	now   *whole.Pending
	hash  hash.Hash
	n     int64
	seen  wire.Object
}

// CreateFolder begins a folder of messages. A folder that has messages already, or anything
// else, is refused; what an interrupted CreateFolder left there is removed.
func CreateFolder(dir string) (*NewFolder, error) {
	w, err := lockFolder(dir)
	if err != nil {
		return nil, err
	}
	if err := w.empty(); err != nil {
		w.release()
		return nil, err
	}
	return w, nil
}

// lockFolder makes a folder, if there is none, and locks it.
func lockFolder(dir string) (*NewFolder, error) {
	w := &NewFolder{dir: dir}
	err := os.Mkdir(dir, 0o755)
	w.made = err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	if err != nil && !IsFolder(dir) {
		return nil, fmt.Errorf("%s: it is there and no folder", dir)
	}
	if w.lock, err = lock.Folder(dir); err != nil {
		return nil, err
	}
	return w, nil
}

// empty removes what an interrupted writing left, and refuses everything else.
func (w *NewFolder) empty() error {
	if Exists(filepath.Join(w.dir, IndexFile)) {
		return hint.With(fmt.Errorf("%s: it has messages already: %w", w.dir, fs.ErrExist), "name another folder, or remove this one")
	}
	all, err := os.ReadDir(w.dir)
	if err != nil {
		return err
	}
	var ours []string
	for _, e := range all {
		switch name := e.Name(); {
		case name == lockName:
		case isMessage(name):
			ours = append(ours, name)
		default:
			return hint.With(fmt.Errorf("%s: it is not empty, %s is in it", w.dir, name), "name a folder that is empty, or none: it is made")
		}
	}
	for _, name := range ours {
		if err := os.Remove(filepath.Join(w.dir, name)); err != nil {
			return err
		}
	}
	return nil
}

// lockName is the lock file of a folder; see package lock.
const lockName = ".lock"

// isMessage reports whether a name is that of a message, complete or not.
func isMessage(name string) bool {
	var i int
	_, err := fmt.Sscanf(name, "%d.qbm", &i)
	if err == nil && name == messageFile(i) {
		return true
	}
	return len(name) > 1 && name[0] == '.' && filepath.Ext(name) == ".tmp"
}

// Write implements io.Writer: it cuts the stream at the ends of objects.
func (w *NewFolder) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 {
		if w.now == nil {
			if err := w.begin(); err != nil {
				return written, err
			}
		}
		part := b
		if size := int(wire.Size(0)); len(w.head) < size {
			part = b[:min(len(b), size-len(w.head))]
			w.head = append(w.head, part...)
		} else {
			part = b[:min(int64(len(b)), w.left)]
			w.left -= int64(len(part))
		}
		n, err := w.now.Write(part)
		w.hash.Write(part[:n])
		w.n += int64(n)
		written += n
		if err != nil {
			return written, err
		}
		b = b[len(part):]
		if err := w.advance(); err != nil {
			return written, err
		}
	}
	return written, nil
}

// begin begins the file of the next message.
func (w *NewFolder) begin() (err error) {
	w.now, err = whole.Create(filepath.Join(w.dir, messageFile(len(w.index.Messages))), 0o644)
	w.head, w.left, w.hash, w.n = w.head[:0], -1, sha256.New(), 0
	return err
}

// advance reads a head that became complete, and ends a message that did.
func (w *NewFolder) advance() error {
	if len(w.head) < int(wire.Size(0)) {
		return nil
	}
	if w.left < 0 {
		in, err := wire.Open(bytes.NewReader(w.head))
		if err != nil {
			return err
		}
		w.seen = in.Object()
		w.left = wire.Size(w.seen.Length) - wire.Size(0)
	}
	if w.left > 0 {
		return nil
	}
	if err := w.now.Commit(); err != nil {
		return err
	}
	w.now = nil
	w.list(w.seen, w.n, w.hash.Sum(nil))
	return nil
}

// list adds a message that stands in the folder to the index.
func (w *NewFolder) list(o wire.Object, size int64, sum []byte) {
	if len(w.index.Messages) == 0 {
		w.index = listed(o)
	}
	w.index.Messages = append(w.index.Messages, Listing{messageFile(len(w.index.Messages)), o.Message.Samples, size, hex.EncodeToString(sum)})
	w.index.Samples += int64(o.Message.Samples)
}

// Commit writes the index, which makes the folder complete.
func (w *NewFolder) Commit() error {
	if w.now != nil || len(w.index.Messages) == 0 || !w.seen.Message.Last {
		return fmt.Errorf("%s: the stream is not complete", w.dir)
	}
	if err := w.index.check(); err != nil {
		return fmt.Errorf("%s: %w", w.dir, err)
	}
	if err := w.index.write(w.dir); err != nil {
		return err
	}
	w.release()
	return nil
}

// Discard removes all that was written. After Commit it does nothing.
func (w *NewFolder) Discard() {
	if w.lock == nil {
		return
	}
	w.drop()
	for _, m := range w.index.Messages {
		_ = os.Remove(filepath.Join(w.dir, m.File))
	}
	w.release()
	if w.made {
		_ = os.Remove(w.dir) // if nobody put something there
	}
}

// drop removes the message that is not complete.
func (w *NewFolder) drop() {
	if w.now != nil {
		w.now.Discard()
		w.now = nil
	}
}

// release gives back the lock.
func (w *NewFolder) release() {
	_ = w.lock.Release() // it ends with the process in any case
	w.lock = nil
}
