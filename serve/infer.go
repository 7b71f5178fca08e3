package serve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"qtool/he"
	"qtool/he/wire"
	"qtool/serve/api"
	"qtool/serve/keystore"
)

// infer answers a stream of inputs, message by message. The next message is read once the
// one before it is answered, so that a stream of any length takes the memory of one.
func (s *Service) infer(w *response, r *http.Request, tenant string) error {
	m, err := s.model(r)
	if err != nil {
		return err
	}
	if err := checkType(r); err != nil {
		return err
	}
	if s.draining.Load() {
		return problem("draining", "try another one").retryIn(5 * time.Second)
	}
	limit := m.inputBytes() * int64(s.Messages)
	if r.ContentLength > limit {
		return problem("too-large", "a body of %d bytes; %d messages of %d bytes are the most", r.ContentLength, s.Messages, m.inputBytes())
	}
	// An answer begins before the body has ended; HTTP/2 does that by itself.
	if err := http.NewResponseController(w).EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	body := s.patient(w, r, limit)
	var first wire.Object
	for at := uint32(0); ; at++ {
		last, err := func() (bool, error) {
			in, p, err := s.receive(body, m, at, &first)
			if err != nil {
				return false, err
			}
			defer p.close()
			return in.Object().Message.Last, s.answer(r.Context(), w, m, tenant, in)
		}()
		if err != nil {
			return err
		}
		if last {
			break
		}
	}
	if n, _ := io.ReadFull(body, make([]byte, 1)); n > 0 {
		return problem("malformed", "the body goes on behind its last message")
	}
	return nil
}

// receive takes message at of a stream, whole and with its checks right. first is the
// first message's head. What is large waits in a file.
func (s *Service) receive(body io.Reader, m *Model, at uint32, first *wire.Object) (in *wire.Reader, p *spool, err error) {
	defer func() {
		if err != nil {
			p.close()
			if problemOf(err) == nil {
				err = problem("malformed", "message %d: %v", at, err)
			}
		}
	}()
	large := m.inputBytes() > s.inMemory
	if large {
		if p, err = s.newSpool(m.inputBytes()); err != nil {
			return nil, p, err
		}
		body = io.TeeReader(body, p)
	}
	if in, err = wire.Open(body); err != nil {
		if err == io.EOF {
			err = problem("malformed", "the body ends before the last message of its stream, at message %d", at)
		}
		return nil, p, err
	}
	o := in.Object()
	if err := m.checkInputs(o); err != nil {
		return nil, p, err
	}
	if at == 0 {
		*first = o
	}
	switch {
	case o.Message.Index != at:
		return nil, p, problem("malformed", "message %d stands where message %d of the stream is wanted", o.Message.Index, at)
	case o.Message.Stream != first.Message.Stream || o.Key != first.Key:
		return nil, p, problem("malformed", "message %d belongs to another stream", at)
	}
	if !large {
		return in, p, in.Keep()
	}
	for left := o.Length; left > 0; {
		n := min(left, 1<<15)
		if in.Bytes(int(n)); in.Err() != nil {
			return nil, p, in.Err()
		}
		left -= n
	}
	if err := in.End(); err != nil {
		return nil, p, err
	}
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return nil, p, err
	}
	in, err = wire.Open(p.file)
	return in, p, err
}

// answer evaluates a message that has arrived, once it is its turn, and sends what comes
// out.
func (s *Service) answer(ctx context.Context, w *response, m *Model, tenant string, in *wire.Reader) error {
	o := in.Object()
	leave, err := s.enter(ctx, m)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	err = func() error {
		defer leave()
		ctx, cancel := context.WithTimeout(ctx, s.Timeout)
		defer cancel()
		keys, release, err := s.Keys.Acquire(ctx, tenant, keystore.Name{Spec: m.Spec, Key: o.Key}, func(ctx context.Context, r io.Reader) (he.Keys, error) {
			return s.readKeys(ctx, m, r)
		})
		if err != nil {
			return err
		}
		defer release()
		start := time.Now()
		if err := m.Server.Evaluate(ctx, keys, in, &out, nil); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return problem("malformed", "message %d: %v", o.Message.Index, err)
		}
		s.metrics.evaluated(m.Name, int(o.Message.Samples), time.Since(start))
		return nil
	}()
	if err != nil {
		return err
	}
	if w.status == 0 {
		w.Header().Set("Content-Type", api.Bytes)
	}
	control := http.NewResponseController(w)
	if err := control.SetWriteDeadline(time.Now().Add(s.Idle + time.Duration(out.Len()/slowest)*time.Second)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := w.Write(out.Bytes()); err != nil {
		return err
	}
	return control.Flush()
}

// enter waits for the memory and the turn of an evaluation of m; leave gives them back.
func (s *Service) enter(ctx context.Context, m *Model) (leave func(), err error) {
	if s.waiting.Add(1) > int64(s.Queue)+int64(s.Evaluations) {
		s.waiting.Add(-1)
		return nil, problem("busy", "%d messages wait already", s.Queue).retryIn(time.Duration(float64(s.Queue) * m.Plan.Predicted * float64(time.Second)))
	}
	gone := func() { s.waiting.Add(-1) }
	if err := s.memory.Acquire(ctx, m.memory()); err != nil {
		gone()
		return nil, err
	}
	if err := s.slots.Acquire(ctx, 1); err != nil {
		s.memory.Release(m.memory())
		gone()
		return nil, err
	}
	return func() {
		s.slots.Release(1)
		s.memory.Release(m.memory())
		gone()
	}, nil
}
