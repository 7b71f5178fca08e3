package he

import (
	"context"
	"io"

	"qtool/bundle"
	"qtool/he/wire"
)

// Halves is what a plan splits into: what its client needs, which says nothing of the
// weights, and what its server needs, which holds no secret.
type Halves interface {
	// Hash is the SHA-256 of all that was chosen.
	Hash() [32]byte
	// Describe describes the plan for so many samples; 0 is one evaluation's.
	Describe(samples int) Description
	// SecurityBits is 128 for secure parameters and an estimate below it otherwise.
	SecurityBits() int
	// ClientPart is the back end's part of the client half; see ClientSpec.
	ClientPart() (ClientPart, error)
	// Encode is the plan as it was chosen, in JSON: the back end makes the same plan of it
	// and the program again, and searches for nothing.
	Encode() ([]byte, error)
	// NewServer prepares to evaluate the program. spec is the hash of the client half,
	// which everything that the server reads and writes carries.
	NewServer(ctx context.Context, spec [32]byte) (Server, error)
}

// Client is the half that owns the secret key. It is safe for concurrent use.
type Client interface {
	Spec() *ClientSpec
	// KeyID names the secret key.
	KeyID() wire.KeyID
	// WriteSecretKey writes an object with the secret key itself, unprotected.
	WriteSecretKey(w io.Writer) error
	// WriteEvaluationKeys makes the server's keys and writes an object with them, as large
	// as Sizes says; of a back end that needs none, an empty one. step, if not nil, is
	// called from one goroutine at a time, as in Executor.
	WriteEvaluationKeys(ctx context.Context, w io.Writer, step func(Step)) error
	// Encrypt writes an object of inputs with up to Sizes.Samples samples, in the place m
	// of a stream. It refuses samples that the program's ranges are not proved for.
	Encrypt(ctx context.Context, samples []bundle.Sample, m wire.Message, w io.Writer, step func(Step)) error
	// Decrypt reads the payload of outputs, whose object wire.Open has read, to its end.
	// It refuses what belongs to another client half, or to another secret key.
	Decrypt(ctx context.Context, out *wire.Reader, step func(Step)) (*Decrypted, error)
}

// Decrypted is what a client reads in one object of outputs: an answer to each sample
// that it encrypted, and what it measured.
type Decrypted struct {
	Answers  Answers
	Accounts []Account
}

// Server is the half that evaluates. No field of it can hold a secret. It is safe for
// concurrent use: each evaluation takes memory of its own.
type Server interface {
	// ReadKeys reads an object of evaluation keys, to its end.
	ReadKeys(ctx context.Context, r io.Reader) (Keys, error)
	// Evaluate reads the payload of inputs, whose object wire.Open has read, to its end,
	// and writes an object of outputs in the same place of the same stream. It refuses
	// inputs of another client half or under another key before it reads on. Nothing is
	// kept of a call.
	Evaluate(ctx context.Context, keys Keys, in *wire.Reader, out io.Writer, step func(Step)) error
}

// Preparer is a Server whose Evaluate is two steps, so that a message can be read while
// the one before it is evaluated.
type Preparer interface {
	Server
	// Prepare is the first step of Evaluate: it checks and reads inputs to their end.
	Prepare(ctx context.Context, keys Keys, in *wire.Reader) (Prepared, error)
}

// Prepared is the second step of Evaluate, for a message that was read: it writes the
// outputs, and is called once.
type Prepared func(ctx context.Context, out io.Writer, step func(Step)) error

// Keys are evaluation keys as a server has read them: public, and safe for concurrent
// use.
type Keys interface {
	// KeyID names the secret key that they belong to.
	KeyID() wire.KeyID
	// Bytes is the memory that they take.
	Bytes() int64
}

// Sizes are the payloads of a plan's objects, in bytes; see wire.Size for whole objects.
// They do not depend on how many samples a batch really has.
type Sizes struct {
	// Samples is the most that one object of inputs holds.
	Samples int   `json:"samples"`
	Inputs  int64 `json:"inputs"`
	Outputs int64 `json:"outputs"`
	Keys    int64 `json:"keys"`
}
