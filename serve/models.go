package serve

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"qtool/he/wire"
	"qtool/serve/api"
)

// sendJSON answers with JSON.
func sendJSON(w *response, v any) error {
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(v)
}

func (s *Service) live(w *response, _ *http.Request, _ string) error {
	return sendJSON(w, map[string]bool{"live": true})
}

func (s *Service) ready(w *response, _ *http.Request, _ string) error {
	if s.draining.Load() {
		return problem("draining", "try another one").retryIn(5 * time.Second)
	}
	return sendJSON(w, map[string]bool{"ready": true})
}

// Info describes the model.
func (m *Model) Info() api.ModelInfo {
	z := m.Client.Sizes
	return api.ModelInfo{
		Name: m.Name, Versions: []string{hex.EncodeToString(m.Spec[:])}, Platform: "qtool_" + m.Client.Backend,
		Inputs:  []api.Tensor{{Name: "input", Datatype: "BYTES", Shape: m.Client.Input.Shape}},
		Outputs: []api.Tensor{{Name: m.Client.Output.Name, Datatype: "FP64", Shape: m.Client.Output.Shape}},
		Labels:  m.Client.Labels, Samples: z.Samples,
		Bytes:        api.ObjectBytes{Client: int64(len(m.client)), Inputs: m.inputBytes(), Outputs: wire.Size(z.Outputs), Keys: wire.Size(z.Keys)},
		SecurityBits: m.Client.SecurityBits, LogFailure: m.Client.LogFailure, Seconds: m.Plan.Predicted,
	}
}

func (s *Service) listModels(w *response, _ *http.Request, _ string) error {
	all := []api.ModelInfo{}
	for _, name := range s.names {
		all = append(all, s.models[name].Info())
	}
	return sendJSON(w, api.Models{Models: all})
}

// model is the one that a request names.
func (s *Service) model(r *http.Request) (*Model, error) {
	name := r.PathValue("model")
	if m := s.models[name]; m != nil {
		return m, nil
	}
	return nil, problem("model-unknown", "no model is called %q; GET /v2/models lists them", name)
}

func (s *Service) describeModel(w *response, r *http.Request, _ string) error {
	m, err := s.model(r)
	if err != nil {
		return err
	}
	return sendJSON(w, m.Info())
}

func (s *Service) modelReady(w *response, r *http.Request, tenant string) error {
	m, err := s.model(r)
	if err != nil {
		return err
	}
	if s.draining.Load() {
		return s.ready(w, r, tenant)
	}
	return sendJSON(w, map[string]any{"name": m.Name, "ready": true})
}

func (s *Service) clientHalf(w *response, r *http.Request, _ string) error {
	m, err := s.model(r)
	if err != nil {
		return err
	}
	tag := `"` + hex.EncodeToString(m.Spec[:]) + `"`
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	w.Header().Set("Content-Type", api.Bytes)
	w.Header().Set("Content-Length", strconv.Itoa(len(m.client)))
	_, err = w.Write(m.client)
	return err
}

// checkType refuses bodies that say they are text.
func checkType(r *http.Request) error {
	switch t := r.Header.Get("Content-Type"); t {
	case api.Bytes, "", "application/x-www-form-urlencoded": // what curl says of --data-binary
		return nil
	default:
		return problem("content-type", "a body of %q, want %q: objects are sent as they are, not as text", t, api.Bytes)
	}
}
