package roles

import (
	"context"
	"io"

	"qtool/he"
	"qtool/he/wire"
)

// EvaluateStream answers a stream of messages. keys gives the evaluation keys of the
// stream's key and is called once, with the head of the first message. Of a server that is
// a he.Preparer a message is read while the one before it is evaluated, and two are in
// memory at a time; else one is. It returns how many samples were evaluated. Behind an
// error of the evaluation in may still be read from, until the read that was begun returns.
func EvaluateStream(ctx context.Context, s he.Server, keys func(wire.Object) (he.Keys, error), in io.Reader, out io.Writer, step func(he.Step), done func(samples int)) (n int, err error) {
	var k he.Keys
	// read gives each message to do, with its keys.
	read := func(do func(*wire.Reader, he.Keys) error) error {
		return messages(in, wire.Inputs, func(m *wire.Reader) (err error) {
			if k == nil {
				if k, err = keys(m.Object()); err != nil {
					return err
				}
			}
			return do(m, k)
		})
	}
	answered := func(samples uint32) {
		if n += int(samples); done != nil {
			done(n)
		}
	}
	p, ok := s.(he.Preparer)
	if !ok {
		err = read(func(m *wire.Reader, k he.Keys) error {
			if err := s.Evaluate(ctx, k, m, out, step); err != nil {
				return err
			}
			answered(m.Object().Message.Samples)
			return nil
		})
		return n, err
	}
	ahead := prepare(ctx, p, read)
	defer ahead.stop()
	for m := range ahead.messages {
		if err := m.evaluate(ctx, out, step); err != nil {
			return n, err
		}
		answered(m.samples)
	}
	return n, ahead.err
}

// ahead is a stream whose next message is prepared in the background.
type ahead struct {
	messages chan preparedMessage
	err      error // of the stream, once messages is closed
	stop     context.CancelFunc
}

type preparedMessage struct {
	evaluate he.Prepared
	samples  uint32
}

// prepare begins to read a stream. A message that is prepared waits until it is taken.
func prepare(ctx context.Context, s he.Preparer, read func(do func(*wire.Reader, he.Keys) error) error) *ahead {
	ctx, stop := context.WithCancel(ctx)
	a := &ahead{messages: make(chan preparedMessage), stop: stop}
	go func() {
		defer close(a.messages)
		a.err = read(func(m *wire.Reader, k he.Keys) error {
			p, err := s.Prepare(ctx, k, m)
			if err != nil {
				return err
			}
			select {
			case a.messages <- preparedMessage{p, m.Object().Message.Samples}:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}()
	return a
}
