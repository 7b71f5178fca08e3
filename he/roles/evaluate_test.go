package roles

import (
	"bytes"
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"qtool/he"
	"qtool/he/wire"
)

// preparer is a server that answers as it prepares. The first evaluation waits for the
// second message to be prepared.
type preparer struct {
	*fakeServer
	begun, ended atomic.Int32 // messages: to be prepared, to be evaluated
	most         atomic.Int32 // begun and not ended
	second       chan struct{}
	fail         error // of every evaluation
}

func (s *preparer) Prepare(ctx context.Context, k he.Keys, in *wire.Reader) (he.Prepared, error) {
	n := s.begun.Add(1)
	s.most.Store(max(s.most.Load(), n-s.ended.Load())) // one goroutine prepares
	p := &preparedFake{s: s, first: n == 1}
	if err := s.fakeServer.Evaluate(ctx, k, in, &p.out, nil); err != nil {
		return nil, err
	}
	if n == 2 {
		close(s.second)
	}
	return p.evaluate, nil
}

type preparedFake struct {
	s     *preparer
	first bool
	out   bytes.Buffer
}

func (p *preparedFake) evaluate(_ context.Context, out io.Writer, _ func(he.Step)) error {
	if p.s.fail != nil {
		return p.s.fail
	}
	if p.first {
		select {
		case <-p.s.second:
		case <-time.After(time.Minute):
			return errors.New("the second message was not prepared while the first was evaluated")
		}
	}
	_, err := out.Write(p.out.Bytes())
	p.s.ended.Add(1)
	return err
}

// A message is prepared while the one before it is evaluated, and no further one; the
// answers are those of a server that does one thing after the other.
func TestEvaluateStreamReadsAhead(t *testing.T) {
	p := newParties(t, 17)
	in := p.encrypt(t)
	keys := func(wire.Object) (he.Keys, error) { return p.keys, nil }
	var want, got bytes.Buffer
	if _, err := EvaluateStream(t.Context(), p.server, keys, bytes.NewReader(in), &want, nil, nil); err != nil {
		t.Fatal(err)
	}
	s := &preparer{fakeServer: p.server.(*fakeServer), second: make(chan struct{})}
	n, err := EvaluateStream(t.Context(), s, keys, bytes.NewReader(in), &got, nil, nil)
	if err != nil || n != 17 || !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("%d samples, %v", n, err)
	}
	if most := s.most.Load(); most != 2 {
		t.Errorf("%d messages were in memory, want 2", most)
	}
}

// What was answered before a damaged message, and nothing else, is written; an evaluation
// that fails ends the stream.
func TestEvaluateStreamAheadFails(t *testing.T) {
	p := newParties(t, 17)
	in := p.encrypt(t)
	keys := func(wire.Object) (he.Keys, error) { return p.keys, nil }
	server := p.server.(*fakeServer)
	var want, got bytes.Buffer
	wantN, wantErr := EvaluateStream(t.Context(), server, keys, bytes.NewReader(in[:len(in)-9]), &want, nil, nil)
	n, err := EvaluateStream(t.Context(), &preparer{fakeServer: server, second: make(chan struct{})}, keys, bytes.NewReader(in[:len(in)-9]), &got, nil, nil)
	if n != wantN || err == nil || err.Error() != wantErr.Error() || !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("cut: %d samples, %v; want %d, %v", n, err, wantN, wantErr)
	}
	failed := errors.New("failed")
	if n, err := EvaluateStream(t.Context(), &preparer{fakeServer: server, second: make(chan struct{}), fail: failed}, keys, bytes.NewReader(in), io.Discard, nil, nil); n != 0 || !errors.Is(err, failed) {
		t.Errorf("failing: %d samples, %v", n, err)
	}
}
