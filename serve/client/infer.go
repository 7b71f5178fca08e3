package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/roles"
	"qtool/he/wire"
)

// Infer sends a stream of inputs and gives the stream of outputs, which comes while the
// inputs still go.
func (c *Client) Infer(ctx context.Context, model string, inputs io.Reader) (io.ReadCloser, error) {
	r, err := c.request(ctx, http.MethodPost, "/v2/models/"+url.PathEscape(model)+"/infer", inputs)
	if err != nil {
		return nil, err
	}
	a, err := c.do(r)
	if err != nil {
		return nil, err
	}
	return a.Body, nil
}

// Ask encrypts samples, has them evaluated and decrypts the answers, message by message:
// answers is called for each with the number of its first sample. The service must have
// the evaluation keys; see UploadKeys. It returns how many samples were answered.
func (c *Client) Ask(ctx context.Context, model string, key he.Client, samples iter.Seq2[bundle.Sample, error], answers func(first int, d *he.Decrypted) error) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	id := wire.NewStreamID()
	from, to := io.Pipe()
	failed := make(chan error, 1)
	go func() {
		_, err := roles.EncryptStreamAs(ctx, key, id, samples, to, nil, nil)
		failed <- err
		to.CloseWithError(err)
	}()
	out, err := c.Infer(ctx, model, from)
	if err != nil {
		from.CloseWithError(errStopped)
		if e := <-failed; e != nil && !stopped(e) && ctx.Err() == nil {
			return 0, e // what kept the inputs from being made
		}
		return 0, err
	}
	defer out.Close()
	n, err := roles.DecryptStream(ctx, key, out, &id, nil, answers)
	from.CloseWithError(errStopped)
	if e := <-failed; err != nil && e != nil && !stopped(e) {
		err = e
	}
	return n, err
}

// errStopped ends the inputs of a request that was refused.
var errStopped = errors.New("client: the request has ended")

// stopped says that the inputs ended because the request did, or its connection.
func stopped(err error) bool { return errors.Is(err, errStopped) || errors.Is(err, io.ErrClosedPipe) }

// Unwrap lets errors.As find the problem.
func (e *Error) Unwrap() error { return &e.Problem }

// Error is what the service said.
func (e *Error) Error() string {
	if e.Status == http.StatusUnauthorized {
		return fmt.Sprintf("the service answers %d: %v; give a token of its owner's", e.Status, &e.Problem)
	}
	return fmt.Sprintf("the service answers %d: %v", e.Status, &e.Problem)
}
