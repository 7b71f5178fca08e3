package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"qtool/pipeline"
	"qtool/recipe"
	"qtool/verify"
)

func newVerifyCommand(a *app) *cobra.Command {
	var o pipeline.CheckOptions
	var sentence string
	cmd := &cobra.Command{
		Use:   "verify-encrypted",
		Short: "run a bundle under homomorphic encryption and compare every logit",
		Long: withExitStatus(`Verify-encrypted encrypts the test samples of the bundle's dataset, evaluates the
bundle on the ciphertexts, decrypts, and compares every logit with the integer
reference. An exact back end must agree on all of them.

The float and quantized stages of the ladder are filled in where the checkpoints that
the bundle was made of stand beside it.

With --encrypted-limit only the first of the samples are encrypted, and the clear stages
answer all: the table then shows beside the encrypted accuracy the integer program's on
the same samples, which is the one to compare with. --limit leaves samples out of every
stage.

With --simulate nothing is encrypted: noise is drawn as it is predicted where look-ups
may fail, for all samples, and an exact back end gives the integer program's answers.

With --text, one sentence that you type is encrypted, and the answer printed with what
the server saw. The client cuts it into words, keeps the words of the bundle's
selection, and turns them into integers in the clear; the server gets ciphertexts. A
sentence may have any number of words up to 1 MiB; one without words, or without any
of the vocabulary, is an error and nothing is encrypted.

With --out, every finished batch, and of back ends of single samples every sample, is
kept in verify.state until the report is written: after Ctrl-C, a crash or a full disk
the same command with --resume repeats none of them. Kept ones of another bundle, other
samples or other parameters are refused, and the message names what differs; without
--resume all are encrypted again. The folder of a run takes no report of another
bundle, and one command at a time has a folder.

  --backend bgv          exact, one sample a slot, for whole test sets: without evaluation keys, or
                         with a relinearisation key where the bundle has tables
  --backend pbs          one sample at a time, tables by blind rotation: each look-up fails to
                         decrypt with a small probability; decryption failures are counted, and
                         only samples with a wrong entry may differ
  --backend packed-ckks  approximate with a stated error, one sample at a time, low latency; recurrent
                         networks with polynomial gates: thousands of sequences at once
  --backend packed-bgv   the same packing exactly, once for each plaintext prime
  --backend none         no encryption: the clear stages of the ladder alone`),
		Example: `  qtool verify-encrypted --bundle lenet/model.qb
  qtool verify-encrypted --bundle lenet/model.qb --limit 100 --json
  qtool verify-encrypted --bundle sentiment/model.qb --backend pbs --encrypted-limit 20
  qtool verify-encrypted --bundle tables/model.qb --backend pbs --simulate
  qtool verify-encrypted --bundle sentiment/model.qb --text "a gripping , funny film"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Env = a.env()
			if cmd.Flags().Changed("text") {
				typed, err := readSentence(cmd.InOrStdin(), sentence)
				if err != nil {
					return err
				}
				answer, err := pipeline.Ask(cmd.Context(), pipeline.AskOptions{Env: o.Env, Encryption: o.Encryption, Bundle: o.Bundle, Sentence: typed})
				return errors.Join(a.printAnswer(answer), err)
			}
			report, err := pipeline.Check(cmd.Context(), o)
			return errors.Join(a.printChecked(report, o.Out), err)
		},
	}
	cmd.Flags().StringVar(&o.Bundle, "bundle", "", "the bundle to verify (required)")
	cmd.Flags().StringVar(&o.Out, "out", "", "folder for report.json (default: none is written)")
	cmd.Flags().StringVar(&o.Backend, "backend", "auto", "one of "+strings.Join(recipe.Backends, ", "))
	cmd.RegisterFlagCompletionFunc("backend", cobra.FixedCompletions(recipe.Backends, cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().IntVar(&o.Limit, "limit", 0, "only the first samples of the test set (default all)")
	cmd.Flags().IntVar(&o.EncryptedLimit, "encrypted-limit", 0, "encrypt only the first of the samples that the clear stages answer (default all)")
	registerPacked(cmd, &o.Encryption)
	registerFailure(cmd, &o.Encryption, "2^-20")
	registerMemory(cmd, &o.Encryption)
	cmd.Flags().BoolVar(&o.Resume, "resume", false, "go on after the batches that an interrupted run finished in --out")
	cmd.Flags().BoolVar(&o.Simulate, "simulate", false, "encrypt nothing: predict what the back end would answer")
	cmd.Flags().BoolVar(&o.ThroughFiles, "through-files", false, "make client and server of the files that they would have when deployed: halves, keys, inputs and outputs in a temporary folder")
	cmd.Flags().StringVar(&sentence, "text", "", "encrypt this sentence (- reads it from standard input) instead of the test set, and print the answer")
	cmd.MarkFlagsMutuallyExclusive("simulate", "resume")
	cmd.MarkFlagsMutuallyExclusive("simulate", "through-files")
	for _, other := range []string{"simulate", "resume", "through-files", "limit", "encrypted-limit", "out"} {
		cmd.MarkFlagsMutuallyExclusive("text", other)
	}
	registerInsecure(cmd, &o.AllowInsecure)
	cmd.MarkFlagRequired("bundle")
	return cmd
}

// registerPacked adds the flags that a plan depends on.
func registerPacked(cmd *cobra.Command, o *pipeline.Encryption) {
	cmd.Flags().IntVar(&o.LogN, "log-n", 0, "ring degree 2^log-n (default chosen)")
	cmd.Flags().Float64Var(&o.Precision, "precision", 0, "bits of output precision that packed-ckks must reach (default 9, of sentences 3)")
}

// registerFailure adds the flag that bounds decryption failures; def says what its default
// is.
func registerFailure(cmd *cobra.Command, o *pipeline.Encryption, def string) {
	cmd.Flags().Float64Var(&o.Failure, "failure-probability", 0, "the largest probability that a sample has a decryption failure, pbs (default "+def+")")
}

// registerMemory adds the flag that bounds a batch's ciphertexts.
func registerMemory(cmd *cobra.Command, o *pipeline.Encryption) {
	cmd.Flags().Float64Var(&o.Memory, "memory", 0, "GiB that the ciphertexts of a batch may take at once, bgv: less takes more time (default 12)")
}

// printChecked prints a verification's report, if there is one.
func (a *app) printChecked(r *verify.Report, out string) error {
	if r == nil {
		return nil
	}
	note := ""
	if out != "" {
		note = fmt.Sprintf("All figures are in %s; qtool report %s draws them.", filepath.Join(out, pipeline.FileReport), out)
	}
	return a.print(r, note)
}
