package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"slices"

	"github.com/google/renameio/v2/maybe"

	"qtool/bundle"
	"qtool/he"
	"qtool/internal/progress"
)

// execution runs an executor batch by batch under a progress bar. With a state
// file it keeps every finished batch, so that an interrupted verification never
// repeats one.
type execution struct {
	executor he.Executor
	what     string
	// state names the file of finished batches, "" for none; identity is what
	// they must belong to.
	state, identity string
	resume          bool
}

// finishedBatch is one batch of an interrupted verification. Logits are decimal,
// as they may pass 64 bits.
type finishedBatch struct {
	Logits        [][]*big.Int `json:"logits"`
	Cost          he.Cost      `json:"cost"`
	NoiseBitsLeft float64      `json:"noise_bits_left"`
	NodeSeconds   []float64    `json:"node_seconds"`
	// Of back ends that are approximate, or of single images.
	Reals   [][]float64 `json:"reals,omitempty"`
	Bound   []float64   `json:"bound,omitempty"`
	Usual   []float64   `json:"usual,omitempty"`
	Latency *he.Latency `json:"latency,omitempty"`
	Lookups *he.Lookups `json:"lookups,omitempty"`
	// Of the integer reference, which has one batch.
	Domains []he.Domain `json:"domains,omitempty"`
}

type executionState struct {
	Identity string          `json:"identity"`
	Batches  []finishedBatch `json:"batches"`
}

// run evaluates all images, the finished batches' from the state.
func (x *execution) run(ctx context.Context, a *app, images [][]uint8) (*he.Result, error) {
	size := x.executor.Backend().Slots
	if size == 0 {
		size = max(len(images), 1)
	}
	batches := (len(images) + size - 1) / size
	done, err := x.load(len(images), size)
	if err != nil {
		return nil, err
	}
	bar := &batchBar{app: a, what: x.what, batches: batches}
	for k := len(done.Batches); k < batches; k++ {
		part := images[k*size : min((k+1)*size, len(images))]
		r, err := x.executor.Run(ctx, part, func(s he.Step) { bar.step(k, s) })
		if err != nil {
			bar.bar.Abandon()
			if errors.Is(err, context.Canceled) && len(done.Batches) > 0 && x.state != "" {
				return nil, hinted{err, "finished batches are kept; the same command with --resume goes on"}
			}
			return nil, err
		}
		done.Batches = append(done.Batches, keep(r))
		if err := x.save(done); err != nil {
			return nil, err
		}
	}
	bar.bar.Finish()
	return done.result(), nil
}

func keep(r *he.Result) finishedBatch {
	b := finishedBatch{Cost: r.Cost, NoiseBitsLeft: r.NoiseBitsLeft, NodeSeconds: r.NodeSeconds, Reals: r.Reals, Bound: r.Bound, Usual: r.Usual, Latency: r.Latency, Lookups: r.Lookups, Domains: r.Domains}
	for _, v := range r.Logits {
		row := make([]*big.Int, v.Len())
		for i := range row {
			row[i] = v.At(i)
		}
		b.Logits = append(b.Logits, row)
	}
	return b
}

// result joins the batches: logits in order, times added up, the least noise
// budget.
func (s *executionState) result() *he.Result {
	all := &he.Result{}
	for k, b := range s.Batches {
		if b.Lookups != nil {
			if all.Lookups == nil {
				all.Lookups = &he.Lookups{}
			}
			all.Lookups.Add(b.Lookups, len(all.Logits))
		}
		for _, row := range b.Logits {
			all.Logits = append(all.Logits, bundle.NewVec(row))
		}
		all.Reals, all.Bound, all.Usual, all.Latency = append(all.Reals, b.Reals...), b.Bound, b.Usual, b.Latency
		all.Domains = b.Domains
		t, u := &all.Cost.Seconds, b.Cost.Seconds
		t.Keygen, t.Encrypt, t.Evaluate, t.Decrypt = t.Keygen+u.Keygen, t.Encrypt+u.Encrypt, t.Evaluate+u.Evaluate, t.Decrypt+u.Decrypt
		all.Cost.Bytes = b.Cost.Bytes
		if k == 0 || b.NoiseBitsLeft < all.NoiseBitsLeft {
			all.NoiseBitsLeft = b.NoiseBitsLeft
		}
		for i, sec := range b.NodeSeconds {
			if len(all.NodeSeconds) <= i {
				all.NodeSeconds = append(all.NodeSeconds, 0)
			}
			all.NodeSeconds[i] += sec
		}
	}
	return all
}

func (x *execution) load(images, size int) (*executionState, error) {
	s := &executionState{Identity: x.identity}
	if x.state == "" || !x.resume {
		return s, nil
	}
	b, err := os.ReadFile(x.state)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, err
	}
	var old executionState
	if err := json.Unmarshal(b, &old); err != nil {
		return nil, hinted{fmt.Errorf("%s: the kept batches are damaged: %w", x.state, err), freshHint}
	}
	if old.Identity != x.identity || len(old.Batches) > (images+size-1)/size {
		return s, nil // of another bundle, limit or parameters: start afresh
	}
	for k, b := range old.Batches {
		if err := b.check(min(size, images-k*size)); err != nil {
			return nil, hinted{fmt.Errorf("%s: batch %d: %w", x.state, k+1, err), freshHint}
		}
	}
	return &old, nil
}

const freshHint = "remove the file, or run without --resume, to encrypt all batches again"

// check refuses a batch that does not hold logits of that many images.
func (b *finishedBatch) check(images int) error {
	if len(b.Logits)+len(b.Reals) != images {
		return fmt.Errorf("logits of %d images, want %d", len(b.Logits)+len(b.Reals), images)
	}
	for i, row := range b.Reals {
		if len(row) == 0 || len(row) != len(b.Bound) || len(row) != len(b.Usual) {
			return fmt.Errorf("image %d: logits are missing", i)
		}
	}
	for i, row := range b.Logits {
		if len(row) == 0 || len(row) != len(b.Logits[0]) || slices.Contains(row, nil) {
			return fmt.Errorf("image %d: logits are missing", i)
		}
	}
	return nil
}

func (x *execution) save(s *executionState) error {
	if x.state == "" {
		return nil
	}
	b, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return maybe.WriteFile(x.state, b, 0o644)
}

// removeState removes a state file that is done with; nothing encrypted left
// none.
func removeState(path string) error {
	if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// batchBar is one progress bar over several batches.
type batchBar struct {
	*app
	what    string
	batches int
	bar     *progress.Bar
	phase   string
}

func (b *batchBar) step(batch int, s he.Step) {
	if b.bar == nil {
		b.bar = progress.New(b.progress(), s.Total*b.batches, b.what)
	}
	if phase := fmt.Sprintf("%s: %s, batch %d of %d", b.what, s.Phase, batch+1, b.batches); phase != b.phase {
		b.phase = phase
		b.bar.Describe(phase)
	}
	b.bar.Set(batch*s.Total + s.Done)
}
