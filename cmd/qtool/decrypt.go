package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"qtool/he"
	"qtool/he/roles"
	"qtool/he/roles/files"
	"qtool/he/wire"
	"qtool/internal/promptly"
	"qtool/task"
)

// decryptOptions say what is decrypted.
type decryptOptions struct {
	client, secret, passphraseFile string
	in, sent                       string
	flood                          floodFlag
}

func newDecryptCommand(a *app) *cobra.Command {
	var o decryptOptions
	cmd := &cobra.Command{
		Use:   "decrypt",
		Short: "decrypt what a server answered",
		Long: withExitStatus(`Decrypt reads encrypted outputs, and prints the label of each sample, a line each, in the order
in which samples were encrypted.

Answers of packed-ckks are approximate. Where the two largest outputs of a sample lie closer
than their errors may bring them, the line ends with a tab and the word undecided: the
exact network may have answered another of them. Their scores are rounded to multiples of
twice their error, so that they say next to nothing of the secret key; docs/SECURITY.md
says what that protects and what it does not.

--flood BITS adds Gaussian noise of 2^BITS times the stated error to them first, drawn anew
each time, for answers that go to others than the owner of the secret key. It proves
2 BITS - log2(12 samples outputs) bits of statistical security for all answers that are
given away under one key, and makes more of them undecided. Answers of the other back ends
are exact, and --flood is refused.

Nothing is printed of outputs that are not whole, of another plan, under another key, or
out of order. With --sent, what was encrypted is compared too: answers to something else,
or to something earlier, are refused.

--json has of each sample the label and its number, the scores (reals, one a label), the
margin between the two largest, and whether it is undecided; of exact back ends also the
integers that the scores stand for.`),
		Example: `  qtool decrypt --client client.qbc --secret secret.key --in out.qbm
  qtool decrypt --client client.qbc --secret secret.key --in answered/ --sent encrypted/ --json
  qtool decrypt --client client.qbc --secret secret.key --in out.qbm --flood 12`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runDecrypt(cmd.Context(), a, promptly.Reader(cmd.Context(), cmd.InOrStdin()), o)
		},
	}
	registerClient(cmd, &o.client, &o.secret, &o.passphraseFile)
	cmd.Flags().StringVar(&o.in, "in", "", "encrypted outputs: a file, a folder, or - for standard input (required)")
	cmd.Flags().StringVar(&o.sent, "sent", "", "the encrypted samples that they answer, a file or a folder")
	o.flood.register(cmd)
	cmd.MarkFlagRequired("in")
	return cmd
}

// decryptView are the answers.
type decryptView struct {
	Samples   int             `json:"samples"`
	Undecided int             `json:"undecided"`
	Labels    []string        `json:"labels"`
	Backend   string          `json:"backend"`
	Answers   []roles.Reading `json:"answers"`
	Flood     *floodView      `json:"flood,omitempty"`
}

func runDecrypt(ctx context.Context, a *app, stdin io.Reader, o decryptOptions) error {
	if o.in == files.Stdin && o.passphraseFile == files.Stdin {
		return errors.New("--in and --passphrase-file are both standard input")
	}
	c, err := a.client(ctx, stdin, o.client, o.secret, o.passphraseFile)
	if err != nil {
		return err
	}
	if c, err = o.flood.client(c); err != nil {
		return err
	}
	spec := c.Spec()
	hash, err := spec.Hash()
	if err != nil {
		return err
	}
	in, folder, err := files.OpenMessages(stdin, o.in, wire.Outputs)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := in.Belongs(hash, o.client); err != nil {
		return err
	}
	if err := in.Under(c.KeyID(), o.secret); err != nil {
		return err
	}
	var expect *wire.StreamID
	if o.sent != "" {
		sent, _, err := files.OpenMessages(stdin, o.sent, wire.Inputs)
		if err != nil {
			return err
		}
		sent.Close()
		expect = &sent.Head.Message.Stream
	}
	bar := &messageBar{a: a, what: "decrypt"}
	switch {
	case folder != nil:
		bar.messages = len(folder.Messages)
	case in.Size > 0:
		bar.messages = int(in.Size / wire.Size(in.Head.Length))
	}
	v := decryptView{Labels: spec.Labels, Backend: spec.Backend, Answers: []roles.Reading{}}
	v.Samples, err = roles.DecryptStream(ctx, c, in, expect, bar.step, func(first int, d *he.Decrypted) error {
		v.Answers = append(v.Answers, roles.Read(spec, d.Answers)...)
		bar.next()
		return nil
	})
	bar.end(err)
	if err == nil {
		err = files.Ended(in)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", in.Path, err)
	}
	v.Flood = o.flood.view(spec, v.Samples)
	return a.printAnswers(&v)
}

// printAnswers prints a label a line, or JSON.
func (a *app) printAnswers(v *decryptView) error {
	var b bytes.Buffer
	for _, r := range v.Answers {
		b.WriteString(r.Label)
		if r.Undecided {
			v.Undecided++
			b.WriteString("\tundecided")
		}
		b.WriteByte('\n')
	}
	if a.json {
		return a.encode(v)
	}
	if _, err := a.stdout.Write(b.Bytes()); err != nil {
		return err
	}
	if f := v.Flood; f != nil {
		a.Note(fmt.Sprintf("noise of 2^%d times the error: %.1f bits of statistical security for these answers, less for more under the same key", f.Bits, f.StatisticalBits))
	}
	if v.Undecided > 0 {
		a.Note(fmt.Sprintf("%d of %s undecided: their largest outputs lie closer than the error may be", v.Undecided, many(v.Samples, task.Sample)))
	}
	return nil
}
