package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"qtool/he"
	"qtool/he/roles"
	"qtool/he/roles/files"
	"qtool/he/wire"
	"qtool/internal/promptly"
	"qtool/task"
)

// inferOptions say what is evaluated.
type inferOptions struct {
	server, keys, in, out string
}

func newInferCommand(a *app) *cobra.Command {
	var o inferOptions
	cmd := &cobra.Command{
		Use:   "infer",
		Short: "evaluate a network on encrypted samples",
		Long: withExitStatus(`Infer does what a server does: it evaluates the network of a server half on what qtool encrypt
wrote, and writes the encrypted outputs. It has no secret key, and sees neither samples nor
answers.

Server half, evaluation keys and messages must belong together: those of another plan, or
under another secret key, are refused before anything is evaluated.

Messages are evaluated one by one. Of a stream the packed back ends read the next while one
is evaluated, and two are in memory; else one is. The output appears when all messages are
answered. Where --in is a folder, --out is one too: each message is answered in a file, and
after Ctrl-C or a crash the same command goes on behind what is there.`),
		Example: `  qtool infer --server server.qbs --keys evaluation.keys --in in.qbm --out out.qbm
  qtool infer --server server.qbs --keys evaluation.keys --in encrypted/ --out answered/
  qtool infer --server server.qbs --keys evaluation.keys --in - --out - < in.qbm > out.qbm`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runInfer(cmd.Context(), a, promptly.Reader(cmd.Context(), cmd.InOrStdin()), o)
		},
	}
	cmd.Flags().StringVar(&o.server, "server", "", "the server half of a plan (required)")
	cmd.Flags().StringVar(&o.keys, "keys", "", "the client's evaluation keys (required)")
	cmd.Flags().StringVar(&o.in, "in", "", "encrypted samples: a file, a folder, or - for standard input (required)")
	cmd.Flags().StringVar(&o.out, "out", "", "file for the encrypted outputs, a folder where --in is one, or - for standard output (required)")
	for _, name := range []string{"server", "keys", "in", "out"} {
		cmd.MarkFlagRequired(name)
	}
	return cmd
}

// inferView is what infer did.
type inferView struct {
	Out     string `json:"out"`
	Samples int64  `json:"samples"`
	// Kept are samples that an earlier call had answered.
	Kept     int64  `json:"kept"`
	Messages int    `json:"messages"`
	Bytes    int64  `json:"bytes"`
	KeyBytes int64  `json:"key_bytes"`
	Backend  string `json:"backend"`
	Seconds  struct {
		Prepare  float64 `json:"prepare"`
		Evaluate float64 `json:"evaluate"`
	} `json:"seconds"`
}

func runInfer(ctx context.Context, a *app, stdin io.Reader, o inferOptions) error {
	if err := a.free(o.out); err != nil {
		return err
	}
	if err := differ([2]string{"server", o.server}, [2]string{"keys", o.keys}, [2]string{"in", o.in}, [2]string{"out", o.out}); err != nil {
		return err
	}
	folders := files.IsFolder(o.in)
	if folders && o.out == files.Stdout {
		return errors.New("--out -: where --in is a folder, the outputs are one too")
	}
	start := time.Now()
	half, err := files.ReadServerHalf(ctx, o.server)
	if err != nil {
		return err
	}
	keys, err := files.Open(o.keys, wire.EvaluationKeys)
	if err != nil {
		return err
	}
	defer keys.Close()
	in, folder, err := files.OpenMessages(stdin, o.in, wire.Inputs)
	if err != nil {
		return err
	}
	defer in.Close()
	for _, of := range []*files.Object{keys, in} {
		if err := of.Belongs(half.Spec, o.server); err != nil {
			return err
		}
	}
	if err := in.Under(keys.Head.Key, o.keys); err != nil {
		return err
	}
	server, k, err := a.prepare(ctx, half, keys)
	if err != nil {
		return err
	}
	v := inferView{Out: o.out, KeyBytes: keys.Size, Backend: half.Plan.Describe(0).Backend}
	v.Seconds.Prepare = time.Since(start).Seconds()
	start = time.Now()
	if folders {
		err = a.inferFolder(ctx, server, k, folder, &v)
	} else {
		err = a.inferStream(ctx, server, k, in, &v)
	}
	if err != nil {
		return err
	}
	v.Seconds.Evaluate = time.Since(start).Seconds()
	kept := ""
	if v.Kept > 0 {
		kept = fmt.Sprintf(", %d of them had answers", v.Kept)
	}
	return a.tell(o.out, v, "evaluated %s in %s%s: %s, %s, %.1f s and %.1f s to prepare\n", many(int(v.Samples), task.Sample), many(v.Messages, message), kept, o.out, size(v.Bytes), v.Seconds.Evaluate, v.Seconds.Prepare)
}

// prepare is the server, and the keys as it has read them.
func (a *app) prepare(ctx context.Context, half *roles.ServerHalf, keys *files.Object) (he.Server, he.Keys, error) {
	done := a.waiting("preparing the server")
	server, err := half.NewServer(ctx)
	done()
	if err != nil {
		return nil, nil, err
	}
	r := &reading{r: keys, bar: a.Begin("read keys", 0), total: keys.Size}
	k, err := server.ReadKeys(ctx, r)
	if err == nil {
		err = files.Ended(r)
	}
	r.bar.End(err)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", keys.Path, err)
	}
	return server, k, nil
}

// reading shows how much of a file was read.
type reading struct {
	r   io.Reader
	bar interface {
		Set(done, total int)
		End(error)
	}
	n, total int64
}

// Read implements io.Reader.
func (r *reading) Read(b []byte) (int, error) {
	n, err := r.r.Read(b)
	r.n += int64(n)
	const unit = 1 << 20
	r.bar.Set(int(r.n/unit), max(1, int(r.total/unit)))
	return n, err
}

// inferStream answers a stream.
func (a *app) inferStream(ctx context.Context, s he.Server, k he.Keys, in *files.Object, v *inferView) error {
	out, err := a.newOutput(v.Out)
	if err != nil {
		return err
	}
	defer out.Discard()
	n := &meter{w: out}
	bar := &messageBar{a: a, what: "evaluate"}
	if in.Size > 0 {
		bar.messages = int(in.Size / wire.Size(in.Head.Length))
	}
	samples, err := roles.EvaluateStream(ctx, s, func(wire.Object) (he.Keys, error) { return k, nil }, in, n, bar.step, func(int) {
		v.Messages++
		bar.next()
	})
	bar.end(err)
	if err == nil {
		err = files.Ended(in)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", in.Path, err)
	}
	v.Samples, v.Bytes = int64(samples), n.n
	return out.Commit()
}

// inferFolder answers the messages of a folder in another.
func (a *app) inferFolder(ctx context.Context, s he.Server, k he.Keys, in *files.Folder, v *inferView) error {
	bar := &messageBar{a: a, what: "evaluate", messages: len(in.Messages)}
	var err error
	v.Samples, v.Kept, err = files.EvaluateFolder(ctx, s, k, in, v.Out, files.Progress{Step: bar.step, Done: func(int64, int64) { bar.next() }})
	bar.end(err)
	if err != nil {
		return err
	}
	out, err := files.OpenFolder(v.Out, wire.Outputs)
	if err != nil {
		return err
	}
	v.Messages = len(out.Messages)
	for _, m := range out.Messages {
		v.Bytes += m.Bytes
	}
	return nil
}
