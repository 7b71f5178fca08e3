package he

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"

	"qtool/bundle"
	"qtool/encode"
	"qtool/he/wire"
	"qtool/internal/strict"
	"qtool/internal/whole"
)

// clientHead is the part of a client half that is JSON.
type clientHead struct {
	Executor     string          `json:"executor"`
	Backend      string          `json:"backend"`
	Program      string          `json:"program"`
	Plan         string          `json:"plan"`
	Input        bundle.Input    `json:"input"`
	Output       clientOutput    `json:"output"`
	Sizes        Sizes           `json:"bytes"`
	SecurityBits int             `json:"security_bits"`
	LogFailure   float64         `json:"log2_failure_probability"`
	Parameters   json.RawMessage `json:"parameters"`
}

// clientOutput is what outputs mean.
type clientOutput struct {
	Name   string       `json:"name"`
	Shape  []int        `json:"shape"`
	Scale  []float64    `json:"scale"`
	Range  bundle.Range `json:"range"`
	Labels []string     `json:"labels"`
}

// maxHead bounds the JSON of a client half, in bytes.
const maxHead = MaxParameters + 1<<20

// MaxClientBytes bounds the object of a client half, its checks included.
const MaxClientBytes = 1<<10 + (8+maxHead+encode.MaxBytes)/1000*1001

// payload is all of a client half; see parts.
func (s *ClientSpec) payload() ([]byte, error) {
	head, err := json.Marshal(clientHead{
		Executor: s.Executor, Backend: s.Backend, Program: hex.EncodeToString(s.Program[:]), Plan: hex.EncodeToString(s.Plan[:]),
		Input: s.Input, Output: clientOutput{s.Output.Name, s.Output.Shape, s.Output.Scale, s.Output.Range, s.Labels},
		Sizes: s.Sizes, SecurityBits: s.SecurityBits, LogFailure: s.LogFailure, Parameters: s.Parameters,
	})
	if err != nil {
		return nil, fmt.Errorf("he: client half: %w", err)
	}
	encoder, err := s.Encoder.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("he: client half: %w", err)
	}
	if len(s.Parameters) > MaxParameters || len(head) > maxHead || len(encoder) > encode.MaxBytes {
		return nil, fmt.Errorf("he: client half: parameters of %d bytes, %d bytes in all, and an encoder of %d pass the limits of %d, %d and %d",
			len(s.Parameters), len(head), len(encoder), MaxParameters, maxHead, encode.MaxBytes)
	}
	return parts(head, encoder), nil
}

// parts are the JSON and the encoder's file, each behind its length in 4 bytes.
func parts(head, encoder []byte) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(head)))
	b = append(b, head...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(encoder)))
	return append(b, encoder...)
}

// Hash names the client half, and the server half that belongs to it: the SHA-256 of its
// payload.
func (s *ClientSpec) Hash() ([32]byte, error) {
	b, err := s.payload()
	return sha256.Sum256(b), err
}

// Write writes the client half as an object.
func (s *ClientSpec) Write(w io.Writer) error {
	b, err := s.payload()
	if err != nil {
		return err
	}
	out := wire.Create(w, wire.Object{Kind: wire.ClientHalf, Length: int64(len(b))})
	out.Bytes(b)
	_, err = out.End()
	return err
}

// ReadClientSpec reads what Write wrote, and nothing else. The back end's parameters are
// looked at when a client is made of it.
func ReadClientSpec(r io.Reader) (*ClientSpec, error) {
	in, err := wire.Open(r)
	if err == io.EOF {
		return nil, fmt.Errorf("he: client half: the file is empty: %w", io.ErrUnexpectedEOF)
	}
	if err != nil {
		return nil, fmt.Errorf("he: client half: %w", err)
	}
	o := in.Object()
	if o.Kind != wire.ClientHalf {
		return nil, fmt.Errorf("he: the file is a %v, want a client half", o.Kind)
	}
	if limit := int64(8 + maxHead + encode.MaxBytes); o.Length > limit {
		return nil, fmt.Errorf("he: client half of %d bytes passes the limit of %d", o.Length, limit)
	}
	s, err := readClientSpec(in)
	if err != nil {
		return nil, fmt.Errorf("he: client half: %w", err)
	}
	return s, nil
}

func readClientSpec(in *wire.Reader) (*ClientSpec, error) {
	read := func(name string, limit int) ([]byte, error) {
		n := binary.LittleEndian.Uint32(in.Bytes(4))
		if in.Err() == nil && int64(n) > min(int64(limit), in.Object().Length) {
			return nil, fmt.Errorf("%s of %d bytes passes the limit of %d", name, n, limit)
		}
		return in.NewBytes(int(n)), in.Err()
	}
	head, err := read("JSON", maxHead)
	if err != nil {
		return nil, err
	}
	encoder, err := read("encoder", encode.MaxBytes)
	if err != nil {
		return nil, err
	}
	if err := in.EndOfFile(); err != nil {
		return nil, err
	}
	var h clientHead
	if err := strict.JSON(head, &h); err != nil {
		return nil, err
	}
	s := &ClientSpec{
		Input: h.Input, Labels: h.Output.Labels, SecurityBits: h.SecurityBits,
		Output:     bundle.Node{Name: h.Output.Name, Shape: h.Output.Shape, Scale: h.Output.Scale, Range: h.Output.Range},
		ClientPart: ClientPart{Executor: h.Executor, Backend: h.Backend, Sizes: h.Sizes, LogFailure: h.LogFailure, Parameters: h.Parameters},
	}
	if err := hash(&s.Program, "program", h.Program); err != nil {
		return nil, err
	}
	if err := hash(&s.Plan, "plan", h.Plan); err != nil {
		return nil, err
	}
	if s.Encoder, err = encode.Decode(encoder); err != nil {
		return nil, err
	}
	if err := s.check(); err != nil {
		return nil, err
	}
	return s, whole.Canonical(parts(head, encoder), s.payload)
}

// hash reads a SHA-256 in hex.
func hash(to *[32]byte, name, from string) error {
	b, err := hex.DecodeString(from)
	if err != nil || len(b) != len(to) {
		return fmt.Errorf("%s: %q is no SHA-256 in hex", name, from)
	}
	copy(to[:], b)
	return nil
}

// check holds a client half to what package bundle allows of a program.
func (s *ClientSpec) check() error {
	if err := bundle.CheckEnds(s.Input, &s.Output, s.Labels); err != nil {
		return err
	}
	if got := s.Encoder.Shape(); bundle.Size(got) != bundle.Size(s.Input.Shape) {
		return fmt.Errorf("the encoder makes tensors of shape %v, the program takes %v", got, s.Input.Shape)
	}
	z := s.Sizes
	if z.Samples < 1 || z.Samples > 1<<20 || min(z.Inputs, z.Outputs, z.Keys) < 0 || max(z.Inputs, z.Outputs, z.Keys) > 1<<40 {
		return fmt.Errorf("%d samples in %d bytes of inputs, %d of outputs and %d of keys", z.Samples, z.Inputs, z.Outputs, z.Keys)
	}
	if s.SecurityBits < 0 || s.SecurityBits > 1024 || !(s.LogFailure <= 0 && s.LogFailure >= -math.MaxFloat64) {
		return fmt.Errorf("%d bits of security and a failure probability of 2^%v", s.SecurityBits, s.LogFailure)
	}
	return nil
}
