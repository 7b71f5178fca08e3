package serve

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"qtool/he"
	"qtool/he/roles"
	"qtool/he/wire"
)

// Model is a server half, ready to evaluate.
type Model struct {
	Name   string
	Client *he.ClientSpec
	Server he.Server
	// Spec is the hash of the client half.
	Spec [32]byte
	// Plan describes what is evaluated.
	Plan he.Description

	client []byte // the client half as it is sent
}

// LoadModel reads a server half and prepares it; weights are encoded once, here. Its name
// is the file's without .qbs.
func LoadModel(ctx context.Context, path string) (*Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && !st.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", path)
	}
	h, err := roles.ReadServerHalf(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	m, err := NewModel(ctx, strings.TrimSuffix(filepath.Base(path), ".qbs"), h)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// NewModel prepares a server half under a name: 1 to 64 letters, digits, dots, dashes and
// underscores.
func NewModel(ctx context.Context, name string, h *roles.ServerHalf) (*Model, error) {
	if len(name) < 1 || len(name) > 64 || strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789._-") != "" {
		return nil, fmt.Errorf("serve: a model called %q: want 1 to 64 letters, digits, dots, dashes and underscores", name)
	}
	s, err := h.NewServer(ctx)
	if err != nil {
		return nil, err
	}
	m := &Model{Name: name, Client: h.Client, Server: s, Spec: h.Spec, Plan: h.Plan.Describe(0)}
	m.client, err = clientBytes(h.Client)
	return m, err
}

// clientBytes is a client half as it is sent.
func clientBytes(s *he.ClientSpec) ([]byte, error) {
	var b bytes.Buffer
	err := s.Write(&b)
	return b.Bytes(), err
}

// inputBytes is the size of a message of inputs.
func (m *Model) inputBytes() int64 { return wire.Size(m.Client.Sizes.Inputs) }

// memory is what an evaluation is predicted to take: its ciphertexts, and a message each
// way.
func (m *Model) memory() int64 {
	return m.Plan.MemoryBytes + 2*m.inputBytes() + 2*wire.Size(m.Client.Sizes.Outputs)
}

// checkInputs refuses a message that is not for this model, by its head.
func (m *Model) checkInputs(o wire.Object) error {
	switch {
	case o.Kind != wire.Inputs:
		return problem("malformed", "the body has a %v where inputs are wanted", o.Kind)
	case o.Spec != m.Spec:
		return problem("other-client-half", "the inputs were made with the client half %x, model %q has %x; get it at /v2/models/%s/client", o.Spec[:4], m.Name, m.Spec[:4], m.Name)
	case o.Length != m.Client.Sizes.Inputs:
		return problem("malformed", "inputs of %d bytes, model %q takes %d", o.Length, m.Name, m.Client.Sizes.Inputs)
	case o.Message.Samples < 1 || int64(o.Message.Samples) > int64(m.Client.Sizes.Samples):
		return problem("malformed", "a message of %d samples, model %q takes 1..%d", o.Message.Samples, m.Name, m.Client.Sizes.Samples)
	}
	return nil
}
