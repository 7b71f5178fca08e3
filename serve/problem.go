package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"qtool/he/roles"
	"qtool/he/wire"
	"qtool/internal/lock"
	"qtool/serve/api"
	"qtool/serve/keystore"
)

// Problem is an error that is sent to the client.
type Problem struct {
	api.Problem
	retry time.Duration // Retry-After; 0: none
}

// The codes of problems, with their status and title.
var problems = map[string]struct {
	status int
	title  string
}{
	"unauthorized":      {http.StatusUnauthorized, "No valid credentials"},
	"model-unknown":     {http.StatusNotFound, "No such model"},
	"key-unknown":       {http.StatusNotFound, "No such evaluation keys"},
	"bad-request":       {http.StatusBadRequest, "The request is not understood"},
	"other-client-half": {http.StatusConflict, "Made with another client half"},
	"offset":            {http.StatusRequestedRangeNotSatisfiable, "The upload goes on elsewhere"},
	"too-large":         {http.StatusRequestEntityTooLarge, "Too large"},
	"content-type":      {http.StatusUnsupportedMediaType, "Bodies are bytes"},
	"malformed":         {http.StatusUnprocessableEntity, "Malformed"},
	"slow":              {http.StatusRequestTimeout, "The body comes too slowly"},
	"busy":              {http.StatusTooManyRequests, "Too many requests wait"},
	"draining":          {http.StatusServiceUnavailable, "The service is stopping"},
	"deadline":          {http.StatusGatewayTimeout, "The evaluation took too long"},
	"quota":             {http.StatusInsufficientStorage, "The quota is used up"},
	"disk-full":         {http.StatusInsufficientStorage, "The disk is full"},
	"internal":          {http.StatusInternalServerError, "The service failed"},
}

// problem makes a Problem of one of the codes above.
func problem(code, format string, args ...any) *Problem {
	p, ok := problems[code]
	if !ok {
		panic("serve: no problem is called " + code)
	}
	return &Problem{Problem: api.Problem{Status: p.status, Type: api.TypePrefix + code, Title: p.title, Detail: fmt.Sprintf(format, args...)}}
}

// retryIn says when to try again.
func (p *Problem) retryIn(d time.Duration) *Problem {
	p.retry = max(d, time.Second)
	return p
}

// problemOf is the Problem that an error stands for. What no client can have caused says
// no more than that.
func problemOf(err error) *Problem {
	var p *Problem
	var stream *roles.StreamError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, os.ErrDeadlineExceeded):
		return problem("slow", "the body must go on within the service's time")
	case errors.Is(err, context.DeadlineExceeded):
		return problem("deadline", "the service gives an evaluation a bounded time, and this one took longer")
	case errors.As(err, &large):
		return problem("too-large", "the body passes the limit of %d bytes", large.Limit)
	case errors.Is(err, keystore.ErrUnknown):
		return problem("key-unknown", "%v", err)
	case errors.Is(err, keystore.ErrOffset):
		return problem("offset", "%v", err)
	case errors.Is(err, lock.ErrHeld):
		return problem("busy", "another process of the service receives these keys").retryIn(time.Second)
	case errors.Is(err, keystore.ErrQuota):
		return problem("quota", "%v", err)
	case errors.Is(err, keystore.ErrDiskFull):
		return problem("disk-full", "what has arrived is kept; go on when there is room")
	case errors.As(err, &stream), errors.Is(err, wire.ErrVersion), errors.Is(err, wire.ErrMagic),
		errors.Is(err, keystore.ErrSum), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return problem("malformed", "%v", err)
	}
	return nil
}

// write sends the problem.
func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", api.ProblemType)
	if p.retry > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.retry+time.Second-1)/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p.Problem) // the client has gone if not
}
