// Package promptly lets a command end although what it waits for cannot be told to.
package promptly

import (
	"context"
	"io"
)

// Do returns what f does, or ctx's error as soon as that is done: the command then
// ends, whatever stretch of work f is in. f must write nothing that outlives the process.
func Do[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type outcome struct {
		v   T
		err error
	}
	c := make(chan outcome, 1)
	go func() {
		v, err := f()
		c <- outcome{v, err}
	}()
	select {
	case o := <-c:
		return o.v, o.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// Reader is r, whose Read ends with ctx's error as soon as that is done, whatever r waits
// for, such as somebody who types. It reads ahead; after ctx is done r must not be used.
func Reader(ctx context.Context, r io.Reader) io.Reader { return &reader{ctx: ctx, r: r} }

type reader struct {
	ctx  context.Context
	r    io.Reader
	got  []byte // of room, and not given yet
	err  error  // behind got
	room []byte
}

// Read implements io.Reader.
func (r *reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if len(r.got) == 0 && r.err == nil {
		r.fill()
	}
	if len(r.got) == 0 {
		return 0, r.err
	}
	n := copy(b, r.got)
	r.got = r.got[n:]
	return n, nil
}

// fill reads ahead.
func (r *reader) fill() {
	if r.room == nil {
		r.room = make([]byte, 1<<16)
	}
	room := r.room // where r goes on reading after ctx is done
	var read error
	n, err := Do(r.ctx, func() (n int, err error) {
		n, err = r.r.Read(room)
		if err != nil {
			read = err
		}
		return n, nil
	})
	if err != nil {
		r.err = err
		return
	}
	r.got, r.err = room[:n], read
}
