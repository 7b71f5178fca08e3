package main

import (
	"context"
	"errors"
	"io/fs"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/export"
	"qtool/he"
	"qtool/he/roles/files"
	"qtool/he/security"
	"qtool/he/wire"
	"qtool/model"
	"qtool/pipeline"
	"qtool/verify"
	"qtool/verify/gate"
)

// The exit codes; 2 is Go's own.
const (
	exitOK          = 0
	exitError       = 1
	exitMismatch    = 3
	exitMissing     = 10
	exitVersion     = 11
	exitInsecure    = 12
	exitInterrupted = 130
)

const exitStatusHelp = `EXIT STATUS
  0    ok
  1    error
  3    verification mismatch or gate failed
  10   input missing
  11   unsupported version of a file
  12   insecure or insufficient parameters
  130  interrupted`

func exitCode(err error) int {
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, verify.ErrMismatch), errors.Is(err, pipeline.ErrNotReproduced), errors.Is(err, gate.ErrFailed):
		return exitMismatch
	case errors.Is(err, datasets.ErrMissing), errors.Is(err, fs.ErrNotExist):
		return exitMissing
	case errors.Is(err, bundle.ErrVersion), errors.Is(err, model.ErrVersion), errors.Is(err, gate.ErrVersion),
		errors.Is(err, wire.ErrVersion), errors.Is(err, files.ErrIndexVersion):
		return exitVersion
	case errors.Is(err, security.ErrInsecure), errors.Is(err, he.ErrInsufficient),
		errors.Is(err, export.ErrTooWide):
		return exitInsecure
	}
	return exitError
}
