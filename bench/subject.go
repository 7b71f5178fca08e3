package bench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"runtime"
	"slices"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/he"
	"qtool/recipe"
	"qtool/verify"
)

// subject is a recipe that is measured. Its bundle is what a few steps of training
// and fine-tuning make: it answers badly, and costs what the finished one costs,
// but for the sizes of its integers, which a few steps do not settle.
type subject struct {
	recipe  *recipe.Recipe
	network *network
	program *bundle.Program // nil for a recipe that quantizes nothing
	test    *datasets.Split // inputs for it
	sum     string          // SHA-256 of the program as a bundle
	// report, if not nil, is told how much of a long round is done.
	report func(share float64)

	inputs    []bundle.Sample
	reference []bundle.Vec // what the program answers to them
	executors executors
}

// reading is a round's figure: by the clock on the wall, and by the processor time
// of all cores, which other work disturbs less; 0 where that is not known.
type reading struct {
	wall, cpu float64
	note      string
}

// newSubject loads a recipe and its data, which must be at hand. A round of
// training has so many steps at least.
func newSubject(ctx context.Context, name, dir string, steps int) (*subject, error) {
	r, err := recipe.Load(name, nil)
	if err != nil {
		return nil, err
	}
	s := &subject{recipe: r}
	s.network, err = newNetwork(ctx, r, datasets.Options{Dir: dir, Offline: true}, steps)
	return s, err
}

// measurement is a task, and a round of it.
type measurement struct {
	Task
	round func(context.Context) (reading, error)
}

// measurements are what there is to measure of the recipe.
func (s *subject) measurements(ctx context.Context) ([]measurement, error) {
	task := func(k Kind, name, unit string) Task { return Task{Kind: k, Name: name, Unit: unit} }
	all := []measurement{{task(Training, "training, float", "s/epoch"), s.network.trainFloat}}
	if s.recipe.Quantize.Method == "qat" {
		all = append(all, measurement{task(Training, "training, fake quantization", "s/epoch"), s.network.trainQuantized})
	}
	if s.recipe.Quantize.Method != "none" {
		if err := s.prepare(ctx); err != nil {
			return nil, err
		}
		all = append(all, s.encrypted(s.network.Unit().One)...)
	}
	return all, nil
}

// prepare makes the program, if it is not there yet.
func (s *subject) prepare(ctx context.Context) error {
	if s.program != nil {
		return nil
	}
	f, test, err := s.network.export(ctx)
	if err != nil {
		return err
	}
	b, err := f.Encode()
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	s.program, s.test, s.sum = f.Program, test, hex.EncodeToString(sum[:])
	return nil
}

// Description is what there is to measure of a recipe.
type Description struct {
	Tasks  []Task `json:"tasks"`
	SHA256 string `json:"program_sha256,omitempty"`
}

// describe names the recipe's tasks as the caller named the recipe.
func (s *subject) describe(ctx context.Context, name string) (*Description, error) {
	all, err := s.measurements(ctx)
	if err != nil {
		return nil, err
	}
	d := &Description{SHA256: s.sum}
	for _, m := range all {
		m.Recipe = name
		d.Tasks = append(d.Tasks, m.Task)
	}
	return d, nil
}

// measure is a round of one of the recipe's tasks.
func (s *subject) measure(ctx context.Context, t Task) (reading, error) {
	all, err := s.measurements(ctx)
	if err != nil {
		return reading{}, err
	}
	recipe := t.Recipe
	t.Recipe = ""
	k := slices.IndexFunc(all, func(m measurement) bool { return m.Task == t })
	if k < 0 {
		return reading{}, fmt.Errorf("bench: %s %q of recipe %q: %w", t.Kind, t.Name, recipe, errUnknown)
	}
	runtime.GC() // no round pays for the one before
	return all[k].round(ctx)
}

// run demands the integer program's logits of an exact executor, and of another
// one what is no farther from them than it states.
func (s *subject) run(ctx context.Context, e he.Executor, n int, step func(he.Step)) (*he.Result, error) {
	r, err := e.Run(ctx, s.inputs[:n], step)
	if err != nil {
		return nil, err
	}
	if r.Answers == nil {
		return nil, fmt.Errorf("bench: %s: no answers, want the answers to %s", s.recipe.Name, s.network.Unit().Count(n))
	}
	if got := r.Answers.Len(); got != n {
		return nil, fmt.Errorf("bench: %s: answers to %s, want %d", s.recipe.Name, s.network.Unit().Count(got), n)
	}
	l := verify.Ladder{Output: s.program.Output(), Labels: make([]uint8, n), Integer: s.reference[:n], Encrypted: r.Answers}
	c, err := l.Compare()
	if err != nil {
		return nil, err
	}
	first := c.First
	if p := c.Precision; p != nil {
		first = p.FirstOutside
	}
	if first != nil {
		return nil, fmt.Errorf("bench: %s: %s %d, logit %d: %w: want %s, got %s", s.recipe.Name, s.network.Unit().One, first.Image, first.Logit, verify.ErrMismatch, first.Want, first.Got)
	}
	return r, nil
}
