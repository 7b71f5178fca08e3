package roles

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/bgv"
	"qtool/he/bgvlut"
	"qtool/he/lstm"
	"qtool/he/packed"
	"qtool/he/tfhe"
)

// executor is how the halves of a back end are read.
type executor struct {
	// newClient draws a secret key.
	newClient func(*he.ClientSpec) (he.Client, error)
	// readClient reads an object with the secret key.
	readClient func(*he.ClientSpec, io.Reader) (he.Client, error)
	// decodePlan makes the plan that Encode wrote again, for the same program.
	decodePlan func(context.Context, []byte, *bundle.Program) (he.Halves, error)
}

// executors are the back ends by what client and server halves call them.
var executors = map[string]executor{
	"bgvlut":      {bgvlut.NewClient, bgvlut.ReadClient, decoded(bgvlut.DecodePlan)},
	"bgv":         {bgv.NewClient, bgv.ReadClient, decoded(bgv.DecodePlan)},
	"lstm":        {lstm.NewClient, lstm.ReadClient, decoded(lstm.DecodePlan)},
	"packed-bgv":  {packed.NewClient, packed.ReadClient, decoded(packed.DecodeExactPlan)},
	"packed-ckks": {packed.NewClient, packed.ReadClient, decoded(packed.DecodePlan)},
	"tfhe":        {tfhe.NewClient, tfhe.ReadClient, decoded(tfhe.DecodePlan)},
}

// decoded is a back end's DecodePlan for any back end.
func decoded[P he.Halves](decode func(context.Context, []byte, *bundle.Program) (P, error)) func(context.Context, []byte, *bundle.Program) (he.Halves, error) {
	return func(ctx context.Context, b []byte, p *bundle.Program) (he.Halves, error) {
		plan, err := decode(ctx, b, p)
		if err != nil {
			return nil, err
		}
		return plan, nil
	}
}

func find(name string) (executor, error) {
	e, ok := executors[name]
	if !ok {
		return e, fmt.Errorf("roles: executor %q is unknown, this version has %s", name, strings.Join(slices.Sorted(maps.Keys(executors)), ", "))
	}
	return e, nil
}

// NewClient is a client with a new secret key.
func NewClient(s *he.ClientSpec) (he.Client, error) {
	e, err := find(s.Executor)
	if err != nil {
		return nil, err
	}
	return e.newClient(s)
}

// ReadClient is a client with the secret key that he.Client.WriteSecretKey wrote for the
// same client half.
func ReadClient(s *he.ClientSpec, r io.Reader) (he.Client, error) {
	e, err := find(s.Executor)
	if err != nil {
		return nil, err
	}
	return e.readClient(s, r)
}

func readPlan(ctx context.Context, name string, b []byte, p *bundle.Program) (he.Halves, error) {
	e, err := find(name)
	if err != nil {
		return nil, err
	}
	return e.decodePlan(ctx, b, p)
}
