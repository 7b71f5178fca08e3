package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/export"
	"qtool/model"
	"qtool/pipeline/folder"
	"qtool/recipe"
	"qtool/verify"
)

func newVerifyCommand(a *app) *cobra.Command {
	o := verifyOptions{}
	var path, out string
	var resume, simulate bool
	var sentence string
	cmd := &cobra.Command{
		Use:   "verify-encrypted",
		Short: "run a bundle under homomorphic encryption and compare every logit",
		Long: withExitStatus(`Verify-encrypted encrypts the test images of the bundle's dataset, evaluates the
bundle on the ciphertexts, decrypts, and compares every logit with the integer
reference. An exact back end must agree on all of them.

The float and quantized rungs of the table are filled in where the checkpoints that
the bundle was made of stand beside it.

With --encrypted-limit only the first of the images are encrypted, and the clear rungs
answer all: the table then shows beside the encrypted accuracy the integer program's on
the same images, which is the one to compare with. --limit leaves images out of every
rung.

With --simulate nothing is encrypted: noise is drawn as it is predicted where look-ups
may fail, for all images, and an exact back end gives the integer program's answers.

With --text, one sentence that you type is encrypted, and the answer printed with what
the server saw. The client cuts it into words, keeps those that the bundle's selection
keeps, and turns them into integers in the clear; the server gets ciphertexts. A
sentence may have any number of words up to 1 MiB; one without words, or without any
of the vocabulary, is an error and nothing is encrypted.

With --out, every finished batch, and of back ends of single images every image, is
kept in verify.state until the report is written: after Ctrl-C, a crash or a full disk
the same command with --resume repeats none of them. Kept ones of another bundle, other
images or other parameters are refused, and the message names what differs; without
--resume all are encrypted again. The folder of a run takes no report of another
bundle, and one command at a time has a folder.

  --backend bgv          exact, one image a slot, for whole test sets: without evaluation keys, or
                         with a relinearisation key where the bundle has tables
  --backend pbs          one image at a time, tables by blind rotation: each look-up fails with a small
                         probability; those that did are counted, and only their images may differ
  --backend packed-ckks  approximate with a stated error, one image at a time, low latency; recurrent
                         networks with polynomial gates: thousands of sequences at once
  --backend packed-bgv   the same packing exactly, once for each plaintext prime
  --backend none         no encryption: the clear rungs alone`),
		Example: `  qtool verify-encrypted --bundle lenet/model.qb
  qtool verify-encrypted --bundle lenet/model.qb --limit 100 --json
  qtool verify-encrypted --bundle sentiment/model.qb --backend pbs --encrypted-limit 20
  qtool verify-encrypted --bundle tables/model.qb --backend pbs --simulate
  qtool verify-encrypted --bundle sentiment/model.qb --text "a gripping , funny film"`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("text") {
				typed, err := readSentence(cmd.InOrStdin(), sentence)
				if err != nil {
					return err
				}
				return runText(cmd.Context(), a, path, typed, o)
			}
			return runVerify(cmd.Context(), a, path, out, resume, simulate, o)
		},
	}
	cmd.Flags().StringVar(&path, "bundle", "", "the bundle to verify (required)")
	cmd.Flags().StringVar(&out, "out", "", "folder for report.json (default: none is written)")
	cmd.Flags().StringVar(&o.backend, "backend", "auto", "one of "+strings.Join(recipe.Backends, ", "))
	cmd.RegisterFlagCompletionFunc("backend", cobra.FixedCompletions(recipe.Backends, cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().IntVar(&o.limit, "limit", 0, "only the first images of the test set (default all)")
	cmd.Flags().IntVar(&o.encryptedLimit, "encrypted-limit", 0, "encrypt only the first of the images that the clear rungs answer (default all)")
	registerPacked(cmd, &o)
	registerFailure(cmd, &o)
	registerMemory(cmd, &o)
	cmd.Flags().BoolVar(&resume, "resume", false, "go on after the batches that an interrupted run finished in --out")
	cmd.Flags().BoolVar(&simulate, "simulate", false, "encrypt nothing: predict what the back end would answer")
	cmd.Flags().StringVar(&sentence, "text", "", "encrypt this sentence (- reads it from standard input) instead of the test set, and print the answer")
	cmd.MarkFlagsMutuallyExclusive("simulate", "resume")
	for _, other := range []string{"simulate", "resume", "limit", "encrypted-limit", "out"} {
		cmd.MarkFlagsMutuallyExclusive("text", other)
	}
	registerInsecure(cmd, &o.allowInsecure)
	cmd.MarkFlagRequired("bundle")
	return cmd
}

// registerPacked adds the flags that a plan depends on.
func registerPacked(cmd *cobra.Command, o *verifyOptions) {
	cmd.Flags().IntVar(&o.logN, "log-n", 0, "ring degree 2^log-n (default chosen)")
	cmd.Flags().Float64Var(&o.bits, "precision", 0, "bits of output precision that packed-ckks must reach (default 9, of sentences 3)")
}

// registerFailure adds the flag that bounds failed look-ups.
func registerFailure(cmd *cobra.Command, o *verifyOptions) {
	cmd.Flags().Float64Var(&o.failure, "failure-probability", 0, "the largest probability that an image has a failed look-up, pbs (default 2^-20)")
}

// registerMemory adds the flag that bounds a batch's ciphertexts.
func registerMemory(cmd *cobra.Command, o *verifyOptions) {
	cmd.Flags().Float64Var(&o.memory, "memory", 0, "GiB that the ciphertexts of a batch may take at once, bgv: less takes more time (default 12)")
}

func runVerify(ctx context.Context, a *app, path, out string, resume, simulate bool, o verifyOptions) error {
	if simulate && o.backend == backendNone {
		return fmt.Errorf("backend %q has nothing to simulate", o.backend)
	}
	if resume && out == "" {
		return hinted{fmt.Errorf("--resume: finished batches are kept in the folder of --out, and there is none"), "give the --out of the interrupted run"}
	}
	f, err := bundle.ReadFile(path)
	if err != nil {
		return err
	}
	held, err := a.holdChecked(out, path)
	if err != nil {
		return err
	}
	defer func() { held.Close() }()
	d, corpus, err := a.bundleData(ctx, f)
	if err != nil {
		return err
	}
	if err := compatible(f, d); err != nil {
		return err
	}
	if d.SHA256 != f.Provenance.DatasetSHA256 {
		return fmt.Errorf("dataset %s has content hash %s, the bundle was made with %s", d.Name, d.SHA256, f.Provenance.DatasetSHA256)
	}
	test, err := limited(d.Test, o.limit)
	if err != nil {
		return err
	}
	v := verification{file: f, test: test, resume: resume, simulate: simulate}
	if v.encrypted, err = encryptedImages("--encrypted-limit", o.encryptedLimit, test.Len()); err != nil {
		return err
	}
	if v.executor, err = encryptedExecutor(ctx, f.Program, v.encrypted, o); err != nil {
		return err
	}
	if corpus != nil {
		v.rungs, err = a.sentenceRungs(ctx, path, f, corpus.Test, test)
	} else {
		v.rungs, err = a.imageRungs(ctx, path, f, test)
	}
	if err != nil {
		return err
	}
	var size int64
	if v.sum, size, err = fileSHA256(path); err != nil {
		return err
	}
	if out != "" {
		if held == nil {
			if held, err = folder.Open(out); err != nil {
				return lockHint(err)
			}
		}
		v.state = filepath.Join(out, stateVerify)
	}
	report, err := a.verifyBundle(ctx, v)
	if err != nil {
		return err
	}
	report.TestImages, report.Bytes.Bundle = d.Test.Len(), size
	note := ""
	if out != "" {
		note = fmt.Sprintf("All figures are in %s; qtool report %s draws them.", filepath.Join(out, fileReport), out)
		if err := a.replaceReport(out, report); err != nil {
			return err
		}
		if err := verify.RemoveLog(v.state); err != nil {
			return err
		}
	}
	if err := a.print(report, note); err != nil {
		return err
	}
	return checkMismatch(report)
}

// bundleData is the dataset that a bundle was made with; for one that reads
// sentences its test split is encoded by the bundle's client, and the corpus comes
// with it.
func (a *app) bundleData(ctx context.Context, f *bundle.File) (*datasets.Dataset, *text.Corpus, error) {
	client, err := encoder(f)
	if err != nil {
		return nil, nil, err
	}
	if client == nil {
		d, err := a.loadData(ctx, f.Provenance.Dataset)
		return d, nil, err
	}
	c, err := text.Load(ctx, f.Provenance.Dataset, datasets.Options{Dir: a.dataDir})
	if err != nil {
		return nil, nil, err
	}
	return corpusData(c, client), c, nil
}

// imageRungs answers with the checkpoints beside a bundle that it was made of.
func (a *app) imageRungs(ctx context.Context, path string, f *bundle.File, test *datasets.Split) (rungs, error) {
	float, err := origin(path, fileFloat, f.Provenance.FloatSHA256, model.ReadCheckpoint)
	if err != nil {
		return rungs{}, err
	}
	quantized, err := origin(path, fileQuantized, f.Provenance.QuantizedSHA256, model.ReadCheckpoint)
	if err != nil {
		return rungs{}, err
	}
	if quantized != nil {
		if err := sameProgram(f, quantized); err != nil {
			return rungs{}, fmt.Errorf("%s: %w", path, err)
		}
	}
	return answer(ctx, float, quantized, f.Program, test)
}

// sameProgram refuses a bundle that is not what its checkpoint exports, however
// sound it is in itself.
func sameProgram(f *bundle.File, c *model.Checkpoint) error {
	q, err := c.Quantized()
	if err != nil {
		return err
	}
	p, err := export.Program(q, f.Program.Labels)
	if err != nil {
		return err
	}
	for i := range min(len(p.Nodes), len(f.Program.Nodes)) {
		p.Nodes[i].Seen = f.Program.Nodes[i].Seen
	}
	return sameBundle(&bundle.File{Program: p, Provenance: f.Provenance, Golden: f.Golden}, f)
}

// sameBundle refuses a bundle that is not, byte for byte, the one exported.
func sameBundle(exported, f *bundle.File) error {
	want, err := exported.Encode()
	if err != nil {
		return err
	}
	have, err := f.Encode()
	if err != nil {
		return err
	}
	if !bytes.Equal(want, have) {
		return fmt.Errorf("%w: it is not what the quantized checkpoint beside it exports", bundle.ErrAltered)
	}
	return nil
}

// origin reads a checkpoint beside the bundle if it is the one that the bundle
// was made of; nil otherwise, which is no error.
func origin[C any](path, name, sum string, read func(path string) (*C, error)) (*C, error) {
	beside := filepath.Join(filepath.Dir(path), name)
	have, _, err := fileSHA256(beside)
	if errors.Is(err, fs.ErrNotExist) || err == nil && have != sum {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return read(beside)
}
