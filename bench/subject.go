package bench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/export"
	"qtool/model"
	"qtool/ptq"
	"qtool/qat"
	"qtool/recipe"
	"qtool/train"
	"qtool/train/op"
	"qtool/verify"
	"qtool/verify/he/bgv"
	"qtool/verify/he/bgvtable"
	"qtool/verify/he/packed"
	"qtool/verify/he/pbs"
	"qtool/verify/integer"
)

// subject is a recipe that is measured. Its bundle is what a few steps of training
// and fine-tuning make: it answers badly, and costs what the finished one costs,
// but for the sizes of its integers, which a few steps do not settle.
type subject struct {
	recipe *recipe.Recipe
	data   *datasets.Dataset
	steps  int // of a round of training

	network *model.Network
	initial model.Parameters
	float   *train.Result
	// quantized and tuned are before and after fine-tuning.
	quantized *model.Quantized
	program   *bundle.Program
	sum       string // SHA-256 of the program as a bundle

	images    [][]uint8 // of a batch
	reference []bundle.Vec
	batch     verify.Executor
	single    verify.Executor
	inBatch   func() []bgvtable.LookupTime
	blind     func(context.Context) (time.Duration, error)
}

// newSubject loads a recipe and its data, which must be at hand.
func newSubject(ctx context.Context, name, dir string, steps int) (*subject, error) {
	r, err := recipe.Load(name, nil)
	if err != nil {
		return nil, err
	}
	d, err := datasets.Load(ctx, r.Data.Name, datasets.Options{Dir: dir, Offline: true})
	if err != nil {
		return nil, err
	}
	s := &subject{recipe: r, data: d, steps: steps}
	if s.network, err = r.Build(); err != nil {
		return nil, err
	}
	s.initial, err = s.network.Initialise(r.Seed)
	return s, err
}

// fit trains for one step to warm up and s.steps more, and returns the seconds of
// an epoch of the whole training set at the pace of those.
func (s *subject) fit(ctx context.Context, t train.Task) (*train.Result, float64, error) {
	n := min(t.Config.Batch*(1+s.steps), s.data.Train.Len())
	t.Train, t.Seed = s.data.Train.First(n), s.recipe.Seed
	t.Config.Epochs, t.Config.Patience, t.Config.FreezeScales = 1, 0, 0
	t.Config.Warmup = min(t.Config.Warmup, 1)
	var first, last time.Time
	t.Progress = func(p train.Progress) {
		last = time.Now()
		if p.Step == 1 {
			first = last
		}
	}
	r, err := train.Fit(ctx, t)
	if err != nil {
		return nil, 0, err
	}
	images := n - t.Config.Batch
	if images <= 0 {
		return nil, 0, fmt.Errorf("bench: %d training images are too few for two steps of %d", n, t.Config.Batch)
	}
	return r, last.Sub(first).Seconds() / float64(images) * float64(s.data.Train.Len()), nil
}

// trainFloat is a round of float training.
func (s *subject) trainFloat(ctx context.Context) (float64, error) {
	r, seconds, err := s.fit(ctx, train.Task{Network: s.network, Params: s.initial, Config: s.recipe.Train})
	if err == nil && s.float == nil {
		s.float = r
	}
	return seconds, err
}

// trainQuantized is a round of fine-tuning.
func (s *subject) trainQuantized(ctx context.Context) (float64, error) {
	if err := s.quantize(ctx); err != nil {
		return 0, err
	}
	z, err := qat.Training(s.quantized, qat.OptionsOf(s.recipe.Quantize.Config, s.quantized.Network))
	if err != nil {
		return 0, err
	}
	task := train.Task{Network: s.quantized.Network, Params: s.quantized.Params, Quantizer: z, Config: s.recipe.Quantize.Finetune}
	if t := task.Config.Teacher; t != nil {
		task.Teacher = &train.Teacher{
			Network: s.network, Params: s.float.Params, Distillation: op.Distillation{Weight: t.Weight, Temperature: t.Temperature},
		}
	}
	_, seconds, err := s.fit(ctx, task)
	if err == nil && s.program == nil {
		err = s.export(z.Quantized())
	}
	return seconds, err
}

// quantize rounds what float training left, to nearest.
func (s *subject) quantize(ctx context.Context) error {
	if s.quantized != nil {
		return nil
	}
	if s.float == nil {
		if _, err := s.trainFloat(ctx); err != nil {
			return err
		}
	}
	c := s.recipe.Quantize
	images := s.data.Train.First(min(c.Images, s.data.Train.Len()))
	n, params, err := ptq.Approximate(s.network, s.float.Params, images, images.Len())
	if err != nil {
		return err
	}
	r, err := ptq.Run(ctx, ptq.Task{Network: n, Params: params, Config: c.Config, Images: images})
	if err != nil {
		return err
	}
	s.quantized = r.Quantized
	return nil
}

func (s *subject) export(q *model.Quantized) error {
	labels := make([]string, s.data.Classes)
	for i := range labels {
		labels[i] = strconv.Itoa(i)
	}
	p, err := export.Program(q, labels)
	if err != nil {
		return err
	}
	f := &bundle.File{Program: p}
	if f.Golden, err = bundle.MakeGolden(p, nil); err != nil {
		return err
	}
	b, err := f.Encode()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	s.program, s.sum = p, hex.EncodeToString(sum[:])
	return nil
}

// prepare makes the program, if it is not there yet.
func (s *subject) prepare(ctx context.Context) error {
	if s.program != nil {
		return nil
	}
	if s.recipe.Quantize.Method == "qat" {
		_, err := s.trainQuantized(ctx)
		return err
	}
	if err := s.quantize(ctx); err != nil {
		return err
	}
	return s.export(s.quantized)
}

// take is the first n test images, over and over, and what the program answers.
func (s *subject) take(ctx context.Context, n int) error {
	if len(s.images) >= n {
		return nil
	}
	s.images = nil
	for i := range n {
		s.images = append(s.images, s.data.Test.Image(i%s.data.Test.Len()))
	}
	e, err := integer.New(s.program)
	if err != nil {
		return err
	}
	r, err := e.Run(ctx, s.images[:min(n, s.data.Test.Len())], nil)
	if err != nil {
		return err
	}
	s.reference = nil
	for i := range n {
		s.reference = append(s.reference, r.Logits[i%s.data.Test.Len()])
	}
	return nil
}

// encryptBatch fills the slots of a batch and runs it, key generation to
// decryption: images a second. Every logit must be the integer program's.
func (s *subject) encryptBatch(ctx context.Context) (float64, error) {
	if err := s.prepare(ctx); err != nil {
		return 0, err
	}
	if s.batch == nil {
		plan, err := bgv.NewPlan(s.program, bgv.Options{Images: s.data.Test.Len()})
		if err != nil {
			return 0, err
		}
		s.batch = bgv.NewExecutor(s.program, plan)
		if err := s.take(ctx, plan.Slots()); err != nil {
			return 0, err
		}
		// The first batch pays for fresh memory, as a user's first does; rounds
		// after it do not.
		if _, err := s.run(ctx, s.batch, s.images); err != nil {
			return 0, err
		}
	}
	r, err := s.run(ctx, s.batch, s.images)
	if err != nil {
		return 0, err
	}
	c := r.Cost.Seconds
	return float64(len(s.images)) / (c.Keygen + c.Encrypt + c.Evaluate + c.Decrypt), nil
}

// run demands the integer program's logits of an exact executor.
func (s *subject) run(ctx context.Context, e verify.Executor, images [][]uint8) (*verify.Result, error) {
	r, err := e.Run(ctx, images, nil)
	if err != nil {
		return nil, err
	}
	for i, v := range r.Logits {
		if !v.Equal(s.reference[i]) {
			return nil, fmt.Errorf("bench: %s: image %d: %w: want %v, got %v", s.recipe.Name, i, verify.ErrMismatch, s.reference[i], v)
		}
	}
	return r, nil
}

// packedImages is how many images of a round the latency is the median of.
const packedImages = 9

// encryptImage is the milliseconds of an evaluation of one image in packed
// ciphertexts.
func (s *subject) encryptImage(ctx context.Context) (float64, error) {
	if err := s.prepare(ctx); err != nil {
		return 0, err
	}
	if s.single == nil {
		plan, err := packed.NewPlan(s.program, packed.Options{})
		if err != nil {
			return 0, err
		}
		s.single = packed.NewExecutor(s.program, plan)
		if err := s.take(ctx, packedImages); err != nil {
			return 0, err
		}
	}
	r, err := s.run(ctx, s.single, s.images[:packedImages])
	if err != nil {
		return 0, err
	}
	return 1000 * r.Latency.Evaluate, nil
}

// lookupInBatch is the microseconds of a look-up of table layer k.
func (s *subject) lookupInBatch(ctx context.Context, k int) (us float64, note string, err error) {
	if err := s.prepare(ctx); err != nil {
		return 0, "", err
	}
	if s.inBatch == nil {
		plan, err := bgvtable.NewPlan(s.program, bgvtable.Options{Images: s.data.Test.Len()})
		if err != nil {
			return 0, "", err
		}
		if s.inBatch, err = plan.MeasureLookups(); err != nil {
			return 0, "", err
		}
		s.inBatch()
	}
	all := s.inBatch()
	return float64(all[k].Time.Nanoseconds()) / 1e3, fmt.Sprintf("%d values", all[k].Domain), nil
}

// lookupAlone is the milliseconds of a look-up by blind rotation.
func (s *subject) lookupAlone(ctx context.Context) (float64, error) {
	if err := s.prepare(ctx); err != nil {
		return 0, err
	}
	if s.blind == nil {
		plan, err := pbs.NewPlan(s.program, pbs.Options{})
		if err != nil {
			return 0, err
		}
		if s.blind, err = plan.MeasureLookups(ctx); err != nil {
			return 0, err
		}
	}
	t, err := s.blind(ctx)
	return t.Seconds() * 1e3, err
}

// Description is what there is to measure of a recipe.
type Description struct {
	Images    int      `json:"images"` // of an epoch
	Quantized bool     `json:"quantized"`
	Tuned     bool     `json:"tuned"`            // by quantization-aware training
	Tables    []string `json:"tables,omitempty"` // layers
	SHA256    string   `json:"program_sha256,omitempty"`
}

func (s *subject) describe(ctx context.Context) (*Description, error) {
	d := &Description{Images: s.data.Train.Len(), Quantized: s.recipe.Quantize.Method != "none", Tuned: s.recipe.Quantize.Method == "qat"}
	if !d.Quantized {
		return d, nil
	}
	if err := s.prepare(ctx); err != nil {
		return nil, err
	}
	d.SHA256 = s.sum
	for _, n := range s.program.Nodes {
		if n.Kind() == bundle.KindLookupTable {
			d.Tables = append(d.Tables, n.Name)
		}
	}
	return d, nil
}
