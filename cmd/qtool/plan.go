package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"qtool/bundle"
	"qtool/he/choose"
	"qtool/internal/promptly"
	"qtool/pipeline"
)

func newPlanCommand(a *app) *cobra.Command {
	var o pipeline.Encryption
	var path string
	var halves halvesOptions
	limit := 0
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "choose how a back end runs a bundle, show why, and write the client's and the server's half",
		Long: withExitStatus(`Plan chooses the encryption parameters of a bundle, and prints them: the ring, all primes,
how values lie in ciphertexts, the evaluation keys, the security, the predicted cost, and
the reasons. verify-encrypted chooses the same, but for look-ups by blind rotation (pbs): a
plan lets a look-up fail with a probability of 2^-64 at most, as its keys stay in use, and
verify-encrypted, which throws its keys away, lets a sample fail with 2^-20.

The plan's hash is of everything that was chosen. The same bundle and options have the
same plan on every machine: choices are weighed by a cost model of one reference
processor, and neither this processor, nor its cores or memory, have a say. Predicted
seconds are this machine's.

With --tune-timings this machine has a say: the packed back ends measure it for a few
seconds and rehearse the plan, the others take the speeds of its processor's kernels.
Such a plan may differ from machine to machine.

Plans of whole batches (bgv) depend on how many samples a run has, as empty slots count
as work: give the --limit of the run. 0 stands for as many as fill their batches.

With --client and --server the plan is written, in two halves that belong together. The
client half has all that a client needs: the encoder, the encryption parameters, and what
the outputs mean. It has no weights, and no tables. The server half has the plan as it was
chosen, and the integer program; it has no secret. Where they are used, nothing is
searched again and no processor has a say.`),
		Example: `  qtool plan --bundle lenet/model.qb
  qtool plan --bundle lenet/model.qb --backend packed-ckks --json
  qtool plan --bundle lenet/model.qb --backend packed-ckks --tune-timings
  qtool plan --bundle lenet/model.qb --client client.qbc --server server.qbs`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return fmt.Errorf("--limit %d is negative", limit)
			}
			f, err := promptly.Do(cmd.Context(), func() (*bundle.File, error) { return bundle.ReadFile(path) })
			if err != nil {
				return err
			}
			return printPlanOf(cmd.Context(), a, path, f, limit, o, halves)
		},
	}
	cmd.Flags().StringVar(&path, "bundle", "", "the bundle to plan (required)")
	cmd.Flags().StringVar(&o.Backend, "backend", "auto", "one of "+strings.Join(choose.Names, ", "))
	cmd.RegisterFlagCompletionFunc("backend", cobra.FixedCompletions(choose.Names, cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().IntVar(&limit, "limit", 0, "samples that a run will have (default as many as fill their batches)")
	registerPacked(cmd, &o)
	registerFailure(cmd, &o, "2^-64 a look-up, for keys that stay in use")
	o.Living = true
	registerMemory(cmd, &o)
	cmd.Flags().BoolVar(&o.TuneTimings, "tune-timings", false, "let timings of this machine choose among plans")
	registerInsecure(cmd, &o.AllowInsecure)
	cmd.Flags().StringVar(&halves.client, "client", "", "where the client half is written")
	cmd.Flags().StringVar(&halves.server, "server", "", "where the server half is written")
	cmd.MarkFlagsRequiredTogether("client", "server")
	cmd.MarkFlagRequired("bundle")
	return cmd
}
