package pipeline

import (
	"context"
	"fmt"
	"path/filepath"

	"qtool/bundle"
	"qtool/internal/hint"
	"qtool/internal/whole"
	"qtool/pipeline/folder"
	"qtool/verify"
)

// CheckOptions say which bundle is checked, and how.
type CheckOptions struct {
	Env
	Encryption
	Bundle string // path
	// Out is a folder for report.json and, until that is written, the log of finished
	// batches; "" for none. Resume goes on behind what the log has.
	Out    string
	Resume bool
	// Simulate encrypts nothing and predicts what the back end would answer.
	Simulate bool
	// ThroughFiles runs client and server as they are deployed: each made of the files that
	// it would have, in a temporary folder.
	ThroughFiles bool
	// Limit takes the first test samples only, EncryptedLimit encrypts only the first of
	// those; 0 is all.
	Limit, EncryptedLimit int
}

// Check is what qtool verify-encrypted does: it runs a bundle on the test samples of its
// dataset, encrypted and in the clear, and compares. The report comes with an error that
// wraps verify.ErrMismatch where they disagree; with any other error there is none.
func Check(ctx context.Context, o CheckOptions) (report *verify.Report, err error) {
	if o.Simulate && o.Backend == BackendNone {
		return nil, fmt.Errorf("backend %q has nothing to simulate", o.Backend)
	}
	if o.EncryptedLimit != 0 && o.Backend == BackendNone {
		return nil, fmt.Errorf("--encrypted-limit %d: nothing is encrypted, the backend is none", o.EncryptedLimit)
	}
	if o.Resume && o.Out == "" {
		return nil, hint.With(fmt.Errorf("--resume: finished batches are kept in the folder of --out, and there is none"), "give the --out of the interrupted run")
	}
	f, err := bundle.ReadFile(o.Bundle)
	if err != nil {
		return nil, err
	}
	held, err := holdChecked(o.Out, o.Bundle)
	if err != nil {
		return nil, err
	}
	defer func() { held.Close() }()
	d, inputs, err := o.bundleData(ctx, f, o.Bundle)
	if err != nil {
		return nil, err
	}
	if err := compatible(f, d, inputs); err != nil {
		return nil, err
	}
	if d.SHA256 != f.Provenance.DatasetSHA256 {
		return nil, fmt.Errorf("dataset %s has content hash %s, the bundle was made with %s", d.Name, d.SHA256, f.Provenance.DatasetSHA256)
	}
	v := verification{file: f, resume: o.Resume, simulate: o.Simulate}
	if v.test, err = limited(inputs, o.Limit, d.Unit()); err != nil {
		return nil, err
	}
	if v.encrypted, err = encryptedSamples("--encrypted-limit", o.EncryptedLimit, v.test.Len(), d.Unit()); err != nil {
		return nil, err
	}
	if o.ThroughFiles {
		v.executor, err = o.throughFiles(ctx, f, v.encrypted)
		defer func() { err = closed(v.executor, err) }()
	} else {
		v.executor, err = o.Executor(ctx, f.Program, v.encrypted)
	}
	if err != nil {
		return nil, err
	}
	if v.answers, err = originAnswers(ctx, o.Bundle, f, d.Test.First(v.test.Len()), v.test); err != nil {
		return nil, err
	}
	var size int64
	if v.sum, size, err = whole.SHA256(o.Bundle); err != nil {
		return nil, err
	}
	if o.Out != "" {
		if held == nil {
			if held, err = folder.Open(o.Out); err != nil {
				return nil, lockHint(err)
			}
		}
		v.state = filepath.Join(o.Out, StateVerify)
	}
	if report, err = o.verify(ctx, v); err != nil {
		return nil, err
	}
	report.TestImages, report.Bytes.Bundle = d.Test.Len(), size
	if o.Out != "" {
		if err := o.replaceReport(o.Out, report); err != nil {
			return nil, err
		}
		if err := verify.RemoveLog(v.state); err != nil {
			return nil, err
		}
	}
	return report, report.Err()
}
