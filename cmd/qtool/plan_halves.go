package main

import (
	"encoding/hex"
	"fmt"
	"math"

	"qtool/bundle"
	"qtool/he/choose"
	"qtool/he/roles"
	"qtool/he/roles/files"
	"qtool/he/wire"
	"qtool/task"
)

// halvesOptions are where the halves of a plan are written, "" for nowhere.
type halvesOptions struct {
	client, server string
}

// halvesView are the halves of a plan, and the sizes of what is made with them, in bytes.
type halvesView struct {
	Client string `json:"client"`
	Server string `json:"server"`
	// Spec is the hash of the client half, which everything carries that belongs to it.
	Spec        string `json:"spec"`
	ClientBytes int64  `json:"client_bytes"`
	ServerBytes int64  `json:"server_bytes"`
	// Samples are the most that a message has; its size does not depend on how many it has.
	Samples     int   `json:"samples_per_message"`
	InputBytes  int64 `json:"input_bytes"`
	OutputBytes int64 `json:"output_bytes"`
	KeyBytes    int64 `json:"key_bytes"`
	// LogFailure is log2 of the probability that decryption gives a wrong result; see
	// he.ClientPart.
	LogFailure float64 `json:"log2_failure_probability"`
	fails      string  // what fails with that
}

// write writes the halves of a plan of the bundle at path; nil where they are not wanted.
func (o halvesOptions) write(path string, f *bundle.File, plan *choose.Plan) (*halvesView, error) {
	if o.client == "" && o.server == "" {
		return nil, nil
	}
	for _, name := range []string{o.client, o.server} {
		if name == files.Stdout || files.NamesFolder(name) {
			return nil, fmt.Errorf("--client and --server are two files, not %q", name)
		}
	}
	if err := differ([2]string{"bundle", path}, [2]string{"client", o.client}, [2]string{"server", o.server}); err != nil {
		return nil, err
	}
	spec, half, err := roles.Split(f, plan.Backend)
	if err != nil {
		return nil, err
	}
	sizes, err := files.WriteHalves(o.client, o.server, spec, half)
	if err != nil {
		return nil, err
	}
	z, fails := spec.Sizes, "A message"
	if spec.Executor == "tfhe" {
		fails = "A look-up"
	}
	return &halvesView{
		Client: o.client, Server: o.server, Spec: hex.EncodeToString(half.Spec[:]), ClientBytes: sizes[0], ServerBytes: sizes[1],
		Samples: z.Samples, InputBytes: wire.Size(z.Inputs), OutputBytes: wire.Size(z.Outputs), KeyBytes: wire.Size(z.Keys), LogFailure: spec.LogFailure, fails: fails,
	}, nil
}

// halves prints what was written.
func (p *printer) halves(v *halvesView) {
	p.f("\nclient half  %s, %s, without weights\nserver half  %s, %s, without secrets\n", v.Client, size(v.ClientBytes), v.Server, size(v.ServerBytes))
	p.f("They belong together: spec %s.\n", v.Spec)
	p.f("A message of up to %s is %s in, %s out; evaluation keys are %s.\n", many(v.Samples, task.Sample), size(v.InputBytes), size(v.OutputBytes), size(v.KeyBytes))
	if v.LogFailure < 0 {
		p.f("%s fails to decrypt with a probability of at most 2^%.0f.\n", v.fails, math.Ceil(v.LogFailure))
	}
}
