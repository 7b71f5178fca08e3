package serve

import (
	"errors"
	"io"
	"net/http"
	"os"
	"time"
)

// patient is a request's body of at most limit bytes, whose pieces must not be further
// apart than Options.Idle, and which must come at slowest bytes a second in all.
func (s *Service) patient(w http.ResponseWriter, r *http.Request, limit int64) io.Reader {
	return &patient{
		r: http.MaxBytesReader(w, r.Body, limit), control: http.NewResponseController(w), idle: s.Idle, start: time.Now(),
	}
}

// slowest is how many bytes a second a body must have, beside the time for its first
// piece.
const slowest = 4 << 10

type patient struct {
	r       io.Reader
	control *http.ResponseController
	idle    time.Duration
	start   time.Time
	n       int64
}

// Read implements io.Reader.
func (p *patient) Read(b []byte) (int, error) {
	now := time.Now()
	end := p.start.Add(p.idle + time.Duration(float64(p.n)/slowest*float64(time.Second)) + p.idle)
	if next := now.Add(p.idle); next.Before(end) {
		end = next
	}
	if err := p.control.SetReadDeadline(end); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := p.r.Read(b)
	p.n += int64(n)
	return n, err
}

// mostInMemory is the size up to which messages wait in memory.
const mostInMemory = 64 << 20

// spool is a file for the bytes of a large message while it waits.
type spool struct{ file *os.File }

// newSpool makes room for so many bytes.
func (s *Service) newSpool(size int64) (*spool, error) {
	f, err := os.CreateTemp(s.Spool, "qtool-message-*")
	if err != nil {
		return nil, problem("disk-full", "no room for a message of %d bytes", size)
	}
	if err := os.Remove(f.Name()); err != nil { // it ends with the process, too
		return nil, errors.Join(err, f.Close())
	}
	return &spool{f}, nil
}

// Write implements io.Writer.
func (p *spool) Write(b []byte) (int, error) {
	n, err := p.file.Write(b)
	if err != nil {
		err = problem("disk-full", "no room for a message that waits")
	}
	return n, err
}

// close gives the file back; nil has none.
func (p *spool) close() {
	if p != nil {
		_ = p.file.Close() // it is removed already
	}
}
