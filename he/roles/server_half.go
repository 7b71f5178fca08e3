package roles

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/wire"
	"qtool/internal/whole"
)

// ServerHalf is what a server needs of a plan: the plan as it was chosen, and the integer
// program with its weights and tables. It has the client half too, which a server gives to
// whoever asks for it. It holds no secret, no golden vectors and nothing of where the
// program comes from.
type ServerHalf struct {
	// Client is the client half that belongs to it, Spec its hash.
	Client  *he.ClientSpec
	Spec    [32]byte
	Plan    he.Halves
	Program *bundle.Program
}

// maxPlan bounds a plan's JSON, in bytes.
const maxPlan = 1 << 26

// Split makes the halves of a plan of f's program.
func Split(f *bundle.File, plan he.Halves) (*he.ClientSpec, *ServerHalf, error) {
	part, err := plan.ClientPart()
	if err != nil {
		return nil, nil, err
	}
	program, err := f.Program.Hash()
	if err != nil {
		return nil, nil, err
	}
	encoder, err := f.ClientEncoder()
	if err != nil {
		return nil, nil, err
	}
	out := *f.Program.Output()
	spec := &he.ClientSpec{
		Program: program, Plan: plan.Hash(), Input: f.Program.Input, Encoder: encoder,
		Output: bundle.Node{Name: out.Name, Shape: out.Shape, Scale: out.Scale, Range: out.Range},
		Labels: f.Program.Labels, SecurityBits: plan.SecurityBits(), ClientPart: part,
	}
	hash, err := spec.Hash()
	if err != nil {
		return nil, nil, err
	}
	return spec, &ServerHalf{spec, hash, plan, f.Program}, nil
}

// Write writes the half as an object: the client half's object, the plan's JSON and the
// program's file, each behind its length in 4 bytes.
func (h *ServerHalf) Write(w io.Writer) error {
	var client bytes.Buffer
	if err := h.Client.Write(&client); err != nil {
		return err
	}
	plan, err := h.Plan.Encode()
	if err != nil {
		return err
	}
	program, err := bundle.Alone(h.Program).Encode()
	if err != nil {
		return err
	}
	if len(plan) > maxPlan || len(program) > bundle.MaxFileBytes {
		return fmt.Errorf("roles: server half: a plan of %d bytes and a program of %d pass the limits of %d and %d", len(plan), len(program), maxPlan, bundle.MaxFileBytes)
	}
	var length int64
	parts := [][]byte{client.Bytes(), plan, program}
	for _, p := range parts {
		length += 4 + int64(len(p))
	}
	out := wire.Create(w, wire.Object{Kind: wire.ServerHalf, Spec: h.Spec, Length: length})
	for _, p := range parts {
		out.Bytes(binary.LittleEndian.AppendUint32(nil, uint32(len(p))))
		out.Bytes(p)
	}
	_, err = out.End()
	return err
}

// ReadServerHalf reads what Write wrote, and nothing else. The plan is made as it was
// chosen; its security is looked at again.
func ReadServerHalf(ctx context.Context, r io.Reader) (*ServerHalf, error) {
	in, err := wire.Open(r)
	if err == io.EOF {
		return nil, fmt.Errorf("roles: server half: the file is empty: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return nil, fmt.Errorf("roles: server half: %w", err)
	}
	o := in.Object()
	if o.Kind != wire.ServerHalf {
		return nil, fmt.Errorf("roles: the file is a %v, want a server half", o.Kind)
	}
	if limit := int64(12 + he.MaxClientBytes + maxPlan + bundle.MaxFileBytes); o.Length > limit {
		return nil, fmt.Errorf("roles: server half of %d bytes passes the limit of %d", o.Length, limit)
	}
	h, err := readServerHalf(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("roles: server half: %w", err)
	}
	return h, nil
}

func readServerHalf(ctx context.Context, in *wire.Reader) (*ServerHalf, error) {
	var parts [3][]byte
	for i, limit := range []int64{he.MaxClientBytes, maxPlan, bundle.MaxFileBytes} {
		n := int64(binary.LittleEndian.Uint32(in.Bytes(4)))
		if in.Err() == nil && n > min(limit, in.Object().Length) {
			return nil, fmt.Errorf("part %d of %d bytes passes the limit of %d", i, n, limit)
		}
		if parts[i] = in.NewBytes(int(n)); in.Err() != nil {
			return nil, in.Err()
		}
	}
	if err := in.EndOfFile(); err != nil {
		return nil, err
	}
	f, err := bundle.Decode(parts[2])
	if err != nil {
		return nil, err
	}
	if err := whole.Canonical(parts[2], bundle.Alone(f.Program).Encode); err != nil {
		return nil, fmt.Errorf("the program: %w", err)
	}
	h := &ServerHalf{Spec: in.Object().Spec, Program: f.Program}
	if h.Client, err = he.ReadClientSpec(bytes.NewReader(parts[0])); err != nil {
		return nil, err
	}
	if h.Plan, err = readPlan(ctx, h.Client.Executor, parts[1], f.Program); err != nil {
		return nil, err
	}
	return h, h.belong()
}

// belong refuses parts that do not belong together.
func (h *ServerHalf) belong() error {
	spec, err := h.Client.Hash()
	if err != nil {
		return err
	}
	program, err := h.Program.Hash()
	if err != nil {
		return err
	}
	switch {
	case spec != h.Spec:
		return fmt.Errorf("its client half has the hash %x, its head says %x", spec[:4], h.Spec[:4])
	case program != h.Client.Program:
		return fmt.Errorf("its program has the hash %x, its client half says %x", program[:4], h.Client.Program[:4])
	case h.Plan.Hash() != h.Client.Plan:
		return fmt.Errorf("its plan has another hash than its client half says, %x", h.Client.Plan[:4])
	}
	return nil
}

// NewServer prepares to evaluate the program.
func (h *ServerHalf) NewServer(ctx context.Context) (he.Server, error) {
	return h.Plan.NewServer(ctx, h.Spec)
}
