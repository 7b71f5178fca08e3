package train

import (
	"context"
	"fmt"
	"slices"
	"time"

	"qtool/datasets"
	"qtool/model"
	"qtool/train/op"
)

// Task is one training run.
type Task struct {
	Network   *model.Network
	Params    model.Parameters // where to start; not changed
	Quantizer Quantizer        // nil: float training
	Teacher   *Teacher         // nil: the labels alone
	// Train are images or, for a network that reads words, sentences.
	Train *datasets.Split
	// Validation scores each epoch; nil only where Config.Patience is 0.
	Validation *datasets.Split
	Config     Config
	Seed       uint64
	// State names the file that an interrupted run is resumed from, "" for none.
	// Identity is what it must belong to: a state of another identity is refused.
	State, Identity string
	Resume          bool
	// Progress, if not nil, is called after every step.
	Progress func(Progress)
}

// Teacher is a float network whose softened answers are learned from.
type Teacher struct {
	Network      *model.Network
	Params       model.Parameters
	Distillation op.Distillation
}

// Progress tells how far a run is.
type Progress struct {
	Epoch, Epochs int // Epoch counts from 1
	Step, Steps   int // in this epoch
	Loss          float64
	Accuracy      float64 // of this epoch's training samples so far
	Validation    float64 // of the last whole epoch
	Float         bool    // fake quantization has not begun
}

// Epoch is one line of a run's history.
type Epoch struct {
	Epoch      int     `json:"epoch"`
	Loss       float64 `json:"loss"`
	Accuracy   float64 `json:"accuracy"`
	Validation float64 `json:"validation"`
	// Float marks an epoch before Config.StartQuantization.
	Float bool `json:"float,omitempty"`
}

// Result is a finished run. Seconds count all the processes that took part.
type Result struct {
	Params  model.Parameters
	History []Epoch
	Best    int // the epoch whose parameters were kept
	Seconds float64
	// Settled says that the running moments of batch norms did not belong to the
	// final parameters and were taken anew from training samples; see settle.
	Settled bool
}

// shardCount is how many graphs share each batch. It is fixed, and their
// gradients are added in a fixed order, so that the number of cores never
// changes a result.
const shardCount = 2

// Fit trains. The same task gives the same parameters, bit for bit, whether it
// ran through or was interrupted and resumed: every random draw depends on
// (Seed, epoch, index) alone, and the state file holds the rest.
//
// When ctx ends, Fit finishes its step, writes the state and returns the
// context's error.
func Fit(ctx context.Context, task Task) (*Result, error) {
	f, err := newFitter(ctx, task)
	if err != nil {
		return nil, err
	}
	defer f.close()
	if task.Resume {
		if err := f.load(); err != nil {
			return nil, err
		}
	}
	for f.Epoch < task.Config.Epochs && !f.stopEarly() {
		if err := f.epoch(ctx); err != nil {
			return nil, err
		}
	}
	if err := f.keep(); err != nil {
		return nil, err
	}
	settled, err := f.settle(ctx, f.quantizer())
	if err == nil && settled {
		err = f.rescore(ctx, f.Best)
	}
	if err != nil {
		return nil, err
	}
	return &Result{Params: f.params, History: f.History, Best: f.Best, Seconds: f.seconds(), Settled: settled}, nil
}

// keep sets the parameters that the run ends with: the best epoch's or, without
// patience, the last ones or their average.
func (f *fitter) keep() error {
	q := f.task.Quantizer
	if f.task.Config.Patience == 0 {
		f.Best = f.Epoch
		if f.task.Config.Average == 0 {
			return nil
		}
		copyParams(f.params, f.average)
		if q != nil {
			return q.Refresh(f.params)
		}
		return nil
	}
	copyParams(f.params, f.best)
	copyParams(f.scales, f.bestScales)
	if q == nil {
		return nil
	}
	q.Freeze() // the scales are the best epoch's
	return q.Refresh(f.params)
}

// fitter is a run in progress; counters is the part that its state file keeps
// beside the tensors.
type fitter struct {
	counters
	task       Task
	params     model.Parameters
	average    model.Parameters // params itself without Config.Average
	best       model.Parameters
	adam       *Adam
	words      *wordFitter // nil unless the vectors of words are trained
	soft       []float32   // what a teacher answers to each sample, of one logit; else nil
	shards     []*graph
	scales     model.Parameters // learned, then observed; the quantizer's own slices
	bestScales model.Parameters
	accuracy   *Evaluator
	start      time.Time
	normed     bool // images must not stand alone; see normed
}

// seconds is the time spent so far, earlier processes included.
func (f *fitter) seconds() float64 { return f.Spent + time.Since(f.start).Seconds() }

type counters struct {
	Epoch     int     `json:"epoch"` // finished epochs
	Step      int     `json:"step"`  // finished steps of the next one
	Steps     int     `json:"steps"` // of the optimiser
	LossSum   float64 `json:"loss_sum"`
	Correct   int     `json:"correct"`
	Best      int     `json:"best"`
	BestScore float64 `json:"best_score"`
	Spent     float64 `json:"spent"` // seconds, by earlier processes
	History   []Epoch `json:"history"`
}

func newFitter(ctx context.Context, task Task) (*fitter, error) {
	if err := task.check(); err != nil {
		return nil, err
	}
	f := &fitter{
		task: task, params: task.Params.Clone(), best: task.Params.Clone(),
		start: time.Now(), normed: normed(task.Network),
	}
	if f.average = f.params; task.Config.Average > 0 {
		f.average = f.params.Clone()
	}
	if err := f.soften(ctx); err != nil {
		return nil, err
	}
	if f.normed && task.Train.Len() < normBatch {
		return nil, fmt.Errorf("train: %d training samples: a batch norm needs %d or more", task.Train.Len(), normBatch)
	}
	if task.Quantizer != nil {
		if err := task.Quantizer.Refresh(f.params); err != nil {
			return nil, err
		}
		f.scales = slices.Concat(task.Quantizer.Scales(), task.Quantizer.Observed())
		f.bestScales = f.scales.Clone()
	}
	if err := f.build(); err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

// build makes the graphs that the current epoch needs, and a new optimiser.
func (f *fitter) build() error {
	f.close()
	f.adam = NewAdam(f.task.Config.LearningRate, f.task.Config.Clip)
	f.adam.Decay = f.task.Config.WeightDecay
	q := f.quantizer()
	if q != nil {
		f.adam.Relative = len(q.Scales())
	}
	n := f.shardsOf(f.task.Config.Batch)
	o := f.objective()
	for range n {
		g, err := newGraph(f.task.Network, f.params, q, (f.task.Config.Batch+n-1)/n, o)
		if err != nil {
			return err
		}
		f.shards = append(f.shards, g)
	}
	f.words = newWordFitter(f.task, f.params)
	var err error
	f.accuracy, err = NewEvaluator(f.task.Network, f.average, q)
	return err
}

// objective is what the training graphs have. Where a teacher has answered whole samples,
// nothing is left out of them.
func (f *fitter) objective() *objective {
	return &objective{teacher: f.task.Teacher, penalty: f.task.Config.OverflowPenalty, whole: f.soft != nil}
}

func (f *fitter) close() {
	for _, s := range f.shards {
		s.close()
	}
	f.shards = nil
	if f.accuracy != nil {
		f.accuracy.Close()
		f.accuracy = nil
	}
}

func (f *fitter) stopEarly() bool {
	return f.task.Config.Patience > 0 && !f.delayed() && f.Epoch-f.Best >= f.task.Config.Patience
}

// stepsPerEpoch counts a last, partly filled batch as a step.
func (f *fitter) stepsPerEpoch() int {
	return (f.task.Train.Len() + f.task.Config.Batch - 1) / f.task.Config.Batch
}

// epoch runs the rest of the current epoch.
func (f *fitter) epoch(ctx context.Context) error {
	c, steps := f.task.Config, f.stepsPerEpoch()
	f.freeze()
	order := order(f.task.Network, f.task.Train, c.Batch, f.task.Seed, uint64(f.Epoch))
	for f.Step < steps {
		if ctx.Err() != nil {
			return f.interrupted(ctx)
		}
		batch := order[f.Step*c.Batch : min((f.Step+1)*c.Batch, len(order))]
		f.adam.Rate = c.Rate(f.Epoch*steps+f.Step, steps, c.Epochs*steps)
		if f.trains(len(batch)) {
			if err := f.step(batch); err != nil {
				return err
			}
		}
		f.Step++
		if f.task.Progress != nil {
			f.task.Progress(f.progress(steps))
		}
	}
	if err := f.score(ctx); ctx.Err() != nil {
		return f.interrupted(ctx)
	} else if err != nil {
		return err
	}
	if f.task.Quantizer != nil && f.Epoch == f.task.Config.StartQuantization {
		if err := f.startQuantization(ctx); err != nil {
			return err
		}
	}
	return f.save()
}

// delayed reports whether fake quantization is still to begin.
func (f *fitter) delayed() bool {
	return f.task.Quantizer != nil && f.Epoch < f.task.Config.StartQuantization
}

// quantizer is what the current epoch is quantized by; nil for float.
func (f *fitter) quantizer() Quantizer {
	if f.delayed() {
		return nil
	}
	return f.task.Quantizer
}

// startQuantization lets the observers choose all scales for the parameters that
// the epochs in float have led to, and goes over to fake quantization. The
// optimiser begins anew: its moments are of another loss. Epochs in float are
// not the best.
func (f *fitter) startQuantization(ctx context.Context) error {
	settled, err := f.settle(ctx, nil)
	if err == nil && settled {
		err = f.rescore(ctx, f.Epoch)
	}
	if err != nil {
		return err
	}
	if err := f.task.Quantizer.Calibrate(f.params); err != nil {
		return err
	}
	f.Steps, f.Best, f.BestScore = 0, f.Epoch, -1
	copyParams(f.average, f.params)
	return f.build()
}

// freeze keeps the scales from the epoch on that the configuration says.
func (f *fitter) freeze() {
	if c := f.task.Config; c.FreezeScales > 0 && f.Epoch >= c.FreezeScales && f.task.Quantizer != nil {
		f.task.Quantizer.Freeze()
		f.adam.Relative, f.adam.Frozen = 0, len(f.task.Quantizer.Scales())
	}
}

// interrupted saves the steps that are done and returns the context's error.
func (f *fitter) interrupted(ctx context.Context) error {
	if err := f.save(); err != nil {
		return err
	}
	return ctx.Err()
}

func (f *fitter) progress(steps int) Progress {
	seen := min(f.Step*f.task.Config.Batch, f.trained())
	p := Progress{
		Epoch: f.Epoch + 1, Epochs: f.task.Config.Epochs, Step: f.Step, Steps: steps,
		Loss: f.LossSum / float64(seen), Accuracy: float64(f.Correct) / float64(seen), Float: f.delayed(),
	}
	if n := len(f.History); n > 0 {
		p.Validation = f.History[n-1].Validation
	}
	return p
}

func copyParams(dst, src model.Parameters) {
	for i := range dst {
		copy(dst[i].Data, src[i].Data)
	}
}

// flat is the parameters' data, in order.
func flat(p model.Parameters) [][]float32 {
	out := make([][]float32, len(p))
	for i := range p {
		out[i] = p[i].Data
	}
	return slices.Clip(out)
}
