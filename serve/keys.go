package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"qtool/he"
	"qtool/he/wire"
	"qtool/serve/api"
	"qtool/serve/keystore"
)

func keyInfo(i keystore.Info) api.KeyInfo {
	k := api.KeyInfo{SHA256: i.Sum.String(), Bytes: i.Length, Arrived: i.Arrived, Complete: i.Complete(), Used: i.Used.UTC()}
	if len(i.Names) > 0 {
		k.KeyID, k.ClientHalf = fmt.Sprintf("%x", i.Names[0].Key), fmt.Sprintf("%x", i.Names[0].Spec)
	}
	return k
}

func (s *Service) listKeys(w *response, _ *http.Request, tenant string) error {
	all, err := s.Keys.List(tenant)
	if err != nil {
		return err
	}
	infos := []api.KeyInfo{}
	for _, i := range all {
		infos = append(infos, keyInfo(i))
	}
	return sendJSON(w, api.Keys{Keys: infos})
}

// sum is the hash in a request's path.
func sum(r *http.Request) (keystore.Sum, error) {
	x, err := keystore.ParseSum(r.PathValue("sha256"))
	if err != nil {
		return x, problem("bad-request", "%v", err)
	}
	return x, nil
}

func (s *Service) headKeys(w *response, r *http.Request, tenant string) error {
	x, err := sum(r)
	if err != nil {
		return err
	}
	i, err := s.Keys.Status(tenant, x)
	if err != nil {
		return err
	}
	say(w, i)
	w.WriteHeader(http.StatusOK)
	return nil
}

func say(w *response, i keystore.Info) {
	w.Header().Set(api.HeaderArrived, strconv.FormatInt(i.Arrived, 10))
	w.Header().Set(api.HeaderLength, strconv.FormatInt(i.Length, 10))
}

func (s *Service) deleteKeys(w *response, r *http.Request, tenant string) error {
	x, err := sum(r)
	if err != nil {
		return err
	}
	if err := s.Keys.Delete(tenant, x); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// putKeys takes all of the keys or, with a Content-Range, a part that follows what has
// arrived: 201 when that makes them complete, 202 before, 200 if they were.
func (s *Service) putKeys(w *response, r *http.Request, tenant string) error {
	x, err := sum(r)
	if err != nil {
		return err
	}
	if err := checkType(r); err != nil {
		return err
	}
	if s.draining.Load() {
		return problem("draining", "what has arrived is kept").retryIn(5 * time.Second)
	}
	from, length, err := contentRange(r)
	if err != nil {
		return err
	}
	if largest := s.largestKeys(); length > largest {
		return problem("too-large", "evaluation keys of %d bytes, the largest of any model here are %d", length, largest)
	}
	before, err := s.Keys.Status(tenant, x)
	was := err == nil && before.Complete()
	i, err := s.Keys.Put(r.Context(), tenant, x, from, length, s.patient(w, r, length-from), s.checkKeys)
	say(w, i)
	switch {
	case err != nil:
		return err
	case was:
		w.WriteHeader(http.StatusOK)
	case i.Complete():
		w.WriteHeader(http.StatusCreated)
	default:
		w.WriteHeader(http.StatusAccepted)
	}
	return nil
}

// contentRange is where a body begins in the whole, and the whole's length.
func contentRange(r *http.Request) (from, length int64, err error) {
	text := r.Header.Get("Content-Range")
	if text == "" {
		if r.ContentLength < 0 {
			return 0, 0, problem("bad-request", "the request has neither a Content-Length nor a Content-Range")
		}
		return 0, r.ContentLength, nil
	}
	span, total, ok := strings.Cut(strings.TrimPrefix(text, "bytes "), "/")
	first, last, two := strings.Cut(span, "-")
	from, err1 := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	length, err3 := strconv.ParseInt(total, 10, 64)
	if !ok || !two || !strings.HasPrefix(text, "bytes ") || errors.Join(err1, err2, err3) != nil || from < 0 || to < from || to >= length {
		return 0, 0, problem("bad-request", "Content-Range %q, want bytes FIRST-LAST/LENGTH", text)
	}
	return from, length, nil
}

// largestKeys is the size of the largest object of keys that any model takes.
func (s *Service) largestKeys() (n int64) {
	for _, m := range s.models {
		n = max(n, wire.Size(m.Client.Sizes.Keys))
	}
	return n
}

// checkKeys reads keys for one of the models, which their head names.
func (s *Service) checkKeys(ctx context.Context, r io.Reader) (keystore.Name, he.Keys, error) {
	rewind, ok := r.(io.Seeker)
	if !ok {
		panic(fmt.Sprintf("serve: keys in a %T", r))
	}
	in, err := wire.Open(r)
	if err != nil {
		return keystore.Name{}, nil, problem("malformed", "%v", err)
	}
	o := in.Object()
	name := keystore.Name{Spec: o.Spec, Key: o.Key}
	if o.Kind != wire.EvaluationKeys {
		return name, nil, problem("malformed", "the body is a %v, want evaluation keys", o.Kind)
	}
	m := s.modelOf(o.Spec)
	if m == nil {
		return name, nil, problem("other-client-half", "the keys belong to the client half %x, which no model here has", o.Spec[:4])
	}
	if o.Length != m.Client.Sizes.Keys {
		return name, nil, problem("malformed", "evaluation keys of %d bytes, model %q takes %d", o.Length, m.Name, m.Client.Sizes.Keys)
	}
	if _, err := rewind.Seek(0, io.SeekStart); err != nil {
		return name, nil, err
	}
	keys, err := s.readKeys(ctx, m, r)
	if err != nil && ctx.Err() == nil {
		err = problem("malformed", "%v", err)
	}
	return name, keys, err
}

// readKeys reads keys of a model.
func (s *Service) readKeys(ctx context.Context, m *Model, r io.Reader) (he.Keys, error) {
	defer s.metrics.loaded(time.Now())
	return m.Server.ReadKeys(ctx, r)
}

// modelOf is the model with a client half, nil for none.
func (s *Service) modelOf(spec [32]byte) *Model {
	for _, m := range s.models {
		if m.Spec == spec {
			return m
		}
	}
	return nil
}
