package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"qtool/datasets/samples"
	"qtool/encode"
	"qtool/he/roles"
	"qtool/he/roles/files"
	"qtool/internal/promptly"
	"qtool/internal/whole"
	"qtool/task"
)

// encryptOptions say what is encrypted.
type encryptOptions struct {
	client, secret, passphraseFile string
	in                             string
	texts, images                  []string
	out                            string
	limit                          int
}

func newEncryptCommand(a *app) *cobra.Command {
	var o encryptOptions
	cmd := &cobra.Command{
		Use:   "encrypt",
		Short: "encrypt samples for a server",
		Long: withExitStatus(`Encrypt does what a client does before it asks a server: the encoder of the network turns
samples into numbers, in the clear, and they are encrypted under the client's secret key.
The client half has the encoder, and no weights.

--in names a dataset, whose test samples are encrypted in order (qtool data list; idx:DIR
for your own). numbers:FILE is a text with a picture a line, its pixels in 0..1 separated by
blanks or commas. - is standard input: a network of sentences reads a sentence a line, in
UTF-8, and a network of pictures the bytes of their pixels, 0 to 255, channel by channel and
row by row, one picture behind the other.

--text encrypts a sentence that you type, --image a picture: a PNG or JPEG of the network's
own size, or a file with the bytes of its pixels. A network of one channel sees the
luminance of a colour picture, one of three channels sees a grey picture in each. Both
flags may be given several times.

The output is a stream of messages, each with as many samples as the back end evaluates at
once; a message is in memory at a time. It appears when it is complete. With --out DIR/, or
a folder that is there, the messages are files of that folder, with an index.json that
lists them by SHA-256: qtool infer then goes on behind what it has answered.`),
		Example: `  qtool encrypt --client client.qbc --secret secret.key --in mnist --limit 100 --out in.qbm
  qtool encrypt --client client.qbc --secret secret.key --image seven.png --out in.qbm
  qtool encrypt --client client.qbc --secret secret.key --text "a gripping , funny film" --out in.qbm
  qtool encrypt --client client.qbc --secret secret.key --in mnist --out encrypted/
  head -100 reviews.txt | qtool encrypt --client client.qbc --secret secret.key --in - --out in.qbm`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return runEncrypt(cmd.Context(), a, promptly.Reader(cmd.Context(), cmd.InOrStdin()), o)
		},
	}
	registerClient(cmd, &o.client, &o.secret, &o.passphraseFile)
	cmd.Flags().StringVar(&o.in, "in", "", "dataset whose test samples are encrypted, or - for standard input")
	cmd.Flags().StringArrayVar(&o.texts, "text", nil, "a sentence")
	cmd.Flags().StringArrayVar(&o.images, "image", nil, "file of a picture")
	cmd.Flags().StringVar(&o.out, "out", "", "file for the messages, DIR/ for a folder, or - for standard output (required)")
	cmd.Flags().IntVar(&o.limit, "limit", 0, "only the first samples (default all)")
	cmd.MarkFlagRequired("out")
	cmd.MarkFlagsOneRequired("in", "text", "image")
	cmd.MarkFlagsMutuallyExclusive("in", "text", "image")
	return cmd
}

// encryptView is what encrypt wrote.
type encryptView struct {
	Out     string `json:"out"`
	Samples int    `json:"samples"`
	// Most is how many samples a message holds at most.
	Most     int    `json:"samples_per_message"`
	Messages int    `json:"messages"`
	Bytes    int64  `json:"bytes"`
	Backend  string `json:"backend"`
}

func runEncrypt(ctx context.Context, a *app, in io.Reader, o encryptOptions) (err error) {
	if err := a.free(o.out); err != nil {
		return err
	}
	if o.in == files.Stdin && o.passphraseFile == files.Stdin {
		return errors.New("--in and --passphrase-file are both standard input")
	}
	if err := differ([2]string{"client", o.client}, [2]string{"secret", o.secret}, [2]string{"out", o.out}); err != nil {
		return err
	}
	c, err := a.client(ctx, in, o.client, o.secret, o.passphraseFile)
	if err != nil {
		return err
	}
	spec := c.Spec()
	all, err := o.samples(ctx, a, in, spec.Encoder)
	if err != nil {
		return err
	}
	out, err := a.newOutput(o.out)
	if err != nil {
		return err
	}
	defer out.Discard()
	n := &meter{w: out}
	most := spec.Sizes.Samples
	v := encryptView{Out: o.out, Most: most, Backend: spec.Backend}
	bar := &messageBar{a: a, what: "encrypt"}
	if all.Count > 0 {
		bar.messages = (all.Count + most - 1) / most
	}
	v.Samples, err = roles.EncryptStream(ctx, c, spec.Samples(all.All), n, bar.step, func(int) {
		v.Messages++
		bar.next()
	})
	bar.end(err)
	if err == nil {
		err = out.Commit()
	}
	if err != nil {
		return err
	}
	v.Bytes = n.n
	return a.tell(o.out, v, "encrypted %s in %s: %s, %s\n", many(v.Samples, all.Noun), many(v.Messages, message), o.out, size(v.Bytes))
}

// samples are what is encrypted.
func (o *encryptOptions) samples(ctx context.Context, a *app, in io.Reader, e encode.Encoder) (s *samples.Samples, err error) {
	switch {
	case o.texts != nil:
		s, err = samples.Sentences(o.texts, e)
	case o.images != nil:
		s, err = samples.Pictures(o.images, e)
	case strings.HasPrefix(o.in, samples.NumbersPrefix):
		var f *os.File
		if f, err = openRegular(strings.TrimPrefix(o.in, samples.NumbersPrefix)); err != nil {
			return nil, err
		}
		context.AfterFunc(ctx, func() { _ = f.Close() }) // it is read to its end or to the command's
		s, err = samples.Numbers(f.Name(), bufio.NewReaderSize(f, 1<<16), e)
	case o.in == files.Stdin:
		s = samples.Read("standard input", in, e)
	default:
		s, err = samples.Test(ctx, o.in, e, a.datasets())
	}
	if err != nil {
		return nil, err
	}
	if s, err = s.First(o.limit); err != nil {
		return nil, fmt.Errorf("--%w", err)
	}
	return s, nil
}

// openRegular opens a file that is no pipe, folder or device.
func openRegular(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: path, Err: whole.ErrNotRegular}
	}
	return os.Open(path)
}

// message is the noun of messages.
var message = task.Noun{One: "message", Many: "messages"}

// many is so many of something.
func many(n int, of task.Noun) string {
	if n == 1 {
		return "1 " + of.One
	}
	return fmt.Sprintf("%d %s", n, of.Many)
}
