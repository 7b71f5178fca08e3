package files

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"qtool/he"
	"qtool/he/wire"
	"qtool/internal/hint"
	"qtool/internal/whole"
)

// Progress is told how far EvaluateFolder is; fields may be nil.
type Progress struct {
	// Step is told of the work within a message.
	Step func(he.Step)
	// Done is told of samples that are answered, and how many of them were found answered.
	Done func(samples, kept int64)
}

// EvaluateFolder answers the messages of a folder in another one, which is made where there
// is none. What an interrupted EvaluateFolder of the same folder answered is kept and not
// evaluated again; answers to something else are refused. It returns how many samples
// have answers, and how many of them were kept.
func EvaluateFolder(ctx context.Context, s he.Server, k he.Keys, in *Folder, dir string, p Progress) (samples, kept int64, err error) {
	if whole.OnePath(in.Dir, dir) {
		return 0, 0, fmt.Errorf("%s: inputs and outputs are one folder", dir)
	}
	if err := finished(in, dir); err != errUnfinished {
		if err == nil && p.Done != nil {
			p.Done(in.Samples, in.Samples)
		}
		return in.Samples, in.Samples, err
	}
	out, err := lockFolder(dir)
	if err != nil {
		return 0, 0, err
	}
	defer func() {
		if out.lock != nil { // not complete: messages stay
			out.drop()
			out.release()
		}
	}()
	if err := out.only(len(in.Messages)); err != nil {
		return 0, 0, err
	}
	for i := range in.Messages {
		if err := ctx.Err(); err != nil {
			return samples, kept, err
		}
		had, err := out.keep(in, i)
		if err == nil && !had {
			err = evaluate(ctx, s, k, in, i, out, p.Step)
		}
		if err != nil {
			return samples, kept, err
		}
		n := int64(in.Messages[i].Samples)
		samples += n
		if had {
			kept += n
		}
		if p.Done != nil {
			p.Done(samples, kept)
		}
	}
	return samples, kept, out.Commit()
}

// errUnfinished says that a folder has no index yet.
var errUnfinished = errors.New("unfinished")

// finished is nil where dir has the answers to in already, all of them.
func finished(in *Folder, dir string) error {
	if !Exists(filepath.Join(dir, IndexFile)) {
		return errUnfinished
	}
	f, err := OpenFolder(dir, wire.Outputs)
	if err != nil {
		return err
	}
	if f.Spec != in.Spec || f.Key != in.Key || f.Stream != in.Stream || len(f.Messages) != len(in.Messages) {
		return hint.With(fmt.Errorf("%s: it has answers to something else than %s", dir, in.Dir), "name another folder, or remove this one")
	}
	return nil
}

// only refuses a folder with anything else than the first so many messages. Files that are
// not complete are removed.
func (w *NewFolder) only(messages int) error {
	all, err := os.ReadDir(w.dir)
	if err != nil {
		return err
	}
	names := map[string]bool{lockName: true}
	for i := range messages {
		names[messageFile(i)] = true
	}
	for _, e := range all {
		switch name := e.Name(); {
		case names[name]:
		case name[0] == '.' && isMessage(name):
			if err := os.Remove(filepath.Join(w.dir, name)); err != nil {
				return err
			}
		default:
			return hint.With(fmt.Errorf("%s: %s is in it, which is no answer to what is evaluated", w.dir, name), "name a folder that is empty, or none: it is made")
		}
	}
	return nil
}

// keep takes the answer to message i if it is in the folder, undamaged. An answer to
// something else is an error.
func (w *NewFolder) keep(in *Folder, i int) (bool, error) {
	want, err := in.object(i)
	if err != nil {
		return false, err
	}
	want.Kind = wire.Outputs
	path := filepath.Join(w.dir, messageFile(i))
	f, err := whole.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	hash := sha256.New()
	r, err := wire.Open(io.TeeReader(f, hash))
	if err != nil {
		return false, nil // damaged: it is made again
	}
	if want.Length = r.Object().Length; r.Object() != want {
		return false, hint.With(fmt.Errorf("%s: it is no answer to %s", path, filepath.Join(in.Dir, messageFile(i))), "name another folder, or remove this one")
	}
	for left := want.Length; left > 0 && r.Err() == nil; left -= 1 << 16 {
		r.Bytes(int(min(left, 1<<16)))
	}
	if r.EndOfFile() != nil {
		return false, nil
	}
	w.seen = want
	w.list(want, wire.Size(want.Length), hash.Sum(nil))
	return true, nil
}

// evaluate answers message i.
func evaluate(ctx context.Context, s he.Server, k he.Keys, in *Folder, i int, out *NewFolder, step func(he.Step)) error {
	m, err := in.Open(i)
	if err != nil {
		return err
	}
	defer m.Close()
	// The answer appears with its last byte: the message is checked before that.
	last := &held{w: out}
	if err := s.Evaluate(ctx, k, m.Reader, last, step); err != nil {
		return fmt.Errorf("%s: %w", m.file.path, err)
	}
	if err := m.End(); err != nil {
		return err
	}
	return last.flush()
}

// held passes on all but the last byte that was written to it.
type held struct {
	w    io.Writer
	last []byte
}

// Write implements io.Writer.
func (h *held) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if err := h.flush(); err != nil {
		return 0, err
	}
	n, err := h.w.Write(b[:len(b)-1])
	if err != nil {
		return n, err
	}
	h.last = append(h.last, b[len(b)-1])
	return len(b), nil
}

func (h *held) flush() error {
	_, err := h.w.Write(h.last)
	h.last = h.last[:0]
	return err
}
