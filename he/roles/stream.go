package roles

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/wire"
)

// EncryptStream writes the samples as a stream of messages, each as full as it can be.
// It takes samples as it needs them: one message is in memory at a time. It returns how
// many samples were written. done, if not nil, is called after each message with the
// samples so far; step is told of the work within a message.
func EncryptStream(ctx context.Context, c he.Client, samples iter.Seq2[bundle.Sample, error], w io.Writer, step func(he.Step), done func(samples int)) (n int, err error) {
	return EncryptStreamAs(ctx, c, wire.NewStreamID(), samples, w, step, done)
}

// EncryptStreamAs is EncryptStream under a name that was drawn before, so that whoever
// reads the answers knows what to expect.
func EncryptStreamAs(ctx context.Context, c he.Client, id wire.StreamID, samples iter.Seq2[bundle.Sample, error], w io.Writer, step func(he.Step), done func(samples int)) (n int, err error) {
	m := wire.Message{Stream: id}
	most := c.Spec().Sizes.Samples
	next, stop := iter.Pull2(samples)
	defer stop()
	batch := func() (all []bundle.Sample, err error) {
		for len(all) < most {
			s, err, ok := next()
			if !ok || err != nil {
				return all, err
			}
			all = append(all, s)
		}
		return all, nil
	}
	now, err := batch()
	if err != nil {
		return 0, err
	}
	if len(now) == 0 {
		return 0, errors.New("roles: no samples to encrypt")
	}
	for {
		if m.Index == math.MaxUint32 {
			return n, fmt.Errorf("roles: more than %d messages in a stream", m.Index)
		}
		behind, err := batch()
		if err != nil {
			return n, err
		}
		m.Samples, m.Last = uint32(len(now)), len(behind) == 0
		if err := c.Encrypt(ctx, now, m, w, step); err != nil {
			return n, he.InSamples(err, n, len(now), 0)
		}
		if n += len(now); done != nil {
			done(n)
		}
		if m.Last {
			return n, nil
		}
		now = behind
		m.Index++
	}
}

// StreamError says that the messages of a stream do not follow each other.
type StreamError struct {
	Kind wire.Kind
	At   uint32 // the message that was wanted
	Why  string
}

// Error names the message.
func (e *StreamError) Error() string {
	return fmt.Sprintf("roles: stream of %v, message %d: %s", e.Kind, e.At, e.Why)
}

// messages opens the messages of a stream one by one, in order, and gives each to do,
// which reads it to its end. Nothing may stand behind the last one.
func messages(r io.Reader, kind wire.Kind, do func(*wire.Reader) error) error {
	var first wire.Object
	for at := uint32(0); ; at++ {
		refuse := func(format string, args ...any) error {
			return &StreamError{kind, at, fmt.Sprintf(format, args...)}
		}
		in, err := wire.Open(r)
		if err == io.EOF {
			return refuse("the stream ends before its last message")
		}
		if err != nil {
			return fmt.Errorf("roles: stream of %v, message %d: %w", kind, at, err)
		}
		o := in.Object()
		switch {
		case o.Kind != kind:
			return refuse("it is a %v", o.Kind)
		case o.Message.Index != at:
			return refuse("message %d is in its place", o.Message.Index)
		case o.Message.Samples == 0:
			return refuse("it has no samples")
		}
		if at == 0 {
			first = o
		}
		if o.Message.Stream != first.Message.Stream || o.Key != first.Key || o.Spec != first.Spec {
			return refuse("it belongs to another stream")
		}
		if err := do(in); err != nil {
			return err
		}
		if !o.Message.Last {
			err = in.End()
		} else if err = in.EndOfFile(); err == nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("roles: stream of %v, message %d: %w", kind, at, err)
		}
	}
}

// DecryptStream reads a stream of answers and gives each message's to answers, with the
// number of the first sample in it. expect, if not nil, is the stream that was sent:
// another one is refused.
func DecryptStream(ctx context.Context, c he.Client, in io.Reader, expect *wire.StreamID, step func(he.Step), answers func(first int, d *he.Decrypted) error) (n int, err error) {
	err = messages(in, wire.Outputs, func(m *wire.Reader) error {
		o := m.Object()
		if expect != nil && o.Message.Stream != *expect {
			return &StreamError{o.Kind, o.Message.Index, "it answers something else than what was sent"}
		}
		d, err := c.Decrypt(ctx, m, step)
		if err != nil {
			return err
		}
		if got := d.Answers.Len(); got != int(o.Message.Samples) {
			return &StreamError{o.Kind, o.Message.Index, fmt.Sprintf("it has answers to %d samples, and says that it has %d", got, o.Message.Samples)}
		}
		if err := answers(n, d); err != nil {
			return err
		}
		n += d.Answers.Len()
		return nil
	})
	return n, err
}
