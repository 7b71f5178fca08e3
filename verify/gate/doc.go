// Package gate decides whether a report is as good as a committed baseline.
//
// Exact things are compared exactly: the integer reference and the encrypted
// executor agree on every logit, the bundle and all its integer logits have the
// baseline's hashes, the static bounds are the same. Accuracy is compared by a
// paired test on single images (see McNemar) with a level and a minimum effect,
// so that neither one unlucky image nor a lucky average decides. Sizes, noise,
// security and flips have budgets that people edit.
//
// Nothing is taken on trust: accuracies and flip counts are computed anew from
// the answers in the report.
package gate

import "errors"

var (
	// ErrFailed marks a report that was read, compared, and found wanting.
	ErrFailed = errors.New("gate failed")
	// ErrVersion marks a report or a baseline of a schema that this program does
	// not read.
	ErrVersion = errors.New("unsupported version")
)
