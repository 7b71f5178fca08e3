package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/export"
	"qtool/internal/hint"
	"qtool/model"
	"qtool/qat"
	"qtool/train"
	"qtool/train/op"
	"qtool/verify"
)

// Images is a run whose network reads images.
type Images struct {
	imageFamily
	w       *Workspace
	network *model.Network // the recipe's, as float training begins with it
	train   *datasets.Split
	val     *datasets.Split // nil for none
	told    *bool           // which classes calibration lacks
}

// Images is the run as one of images; where it is none, the error says that what needs
// images is not for its recipe.
func (w *Workspace) Images(what string) (*Images, error) { return w.kind.images(what) }

func (m *Images) images(string) (*Images, error) { return m, nil }

// Network is the recipe's network, as float training begins with it.
func (m *Images) Network() *model.Network { return m.network }

// Held are the training images that are held out, nil for none.
func (m *Images) Held() *datasets.Split { return m.val }

// At is the workspace of another recipe and folder on the same data.
func (m *Images) At(o Options) (*Workspace, *Images, error) {
	n, err := o.Recipe.Build()
	if err != nil {
		return nil, nil, err
	}
	w := &Workspace{Options: o, recipe: o.Recipe, data: m.w.data}
	at := &Images{w: w, network: n, train: m.train, val: m.val, told: m.told}
	w.kind = at
	return w, at, nil
}

// load implements kind.
func (m *Images) load(ctx context.Context) (*datasets.Dataset, error) {
	r := m.w.recipe
	var err error
	if m.network, err = r.Build(); err != nil {
		return nil, fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	d, err := m.w.loadData(ctx, r.Data.Name, r.Dir)
	if err != nil {
		return nil, err
	}
	if err := fitsNetwork(d, m.network); err != nil {
		return nil, fmt.Errorf("recipe %s: dataset %s: %w", r.Name, d.Name, err)
	}
	pixels, err := r.Pixels()
	if err != nil {
		return nil, fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	d.Encode(pixels)
	if err := r.Verify.CheckImages(d.Test.Len(), d.Unit().Many); err != nil {
		return nil, fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	if n := r.Data.Images; n > d.Train.Len() {
		return nil, fmt.Errorf("recipe %s: data.images: %d, the dataset has %d training %s", r.Name, n, d.Train.Len(), d.Unit().Many)
	}
	if m.train, m.val, err = trainingSplit(d, r); err != nil {
		return nil, fmt.Errorf("recipe %s: data.validation: %w", r.Name, err)
	}
	if empty := m.train.Missing(d.Classes); len(empty) > 0 {
		m.w.Note(fmt.Sprintf("%s no training %s: the network cannot learn %s", ClassesHave(empty), d.Unit().One, itOrThem(empty)))
	}
	return d, nil
}

func (m *Images) validated() bool       { return m.val != nil }
func (m *Images) test() *datasets.Split { return m.w.data.Test }

func (m *Images) unquantized() string {
	return "activations that are no polynomial need lookup tables; a recipe with squares can be quantized"
}

// initial implements kind.
func (m *Images) initial(stage string) (Checkpoint, error) {
	n := m.network
	if stage == train.RecipeTeacher {
		n = m.w.recipe.TeacherNetwork()
	}
	params, err := n.Initialise(m.w.recipe.Seed)
	return imageCheckpoint{&model.Checkpoint{Network: n, Params: params}}, err
}

// training implements kind.
func (m *Images) training(c Checkpoint, stage string) (*training, error) {
	config := m.w.recipe.Train
	if stage == train.RecipeTeacher {
		config = m.w.recipe.Teacher.Train
	}
	float := c.(imageCheckpoint)
	return m.task(stage, train.Task{Network: float.Network, Params: float.Params, Config: config})
}

// task completes a task with the run's data, seed and state file.
func (m *Images) task(stage string, task train.Task) (*training, error) {
	w := m.w
	var err error
	task.Train, task.Validation, task.Seed, task.Resume = m.train, m.val, w.recipe.Seed, w.Resume
	task.State = w.Path(stage + ".state")
	if task.Identity, err = w.identity(stage); err != nil {
		return nil, err
	}
	if task.Teacher, err = m.teacher(task.Config.Teacher, stage); err != nil {
		return nil, err
	}
	return &training{
		config: task.Config, samples: m.train.Len(),
		resume: "the training state is saved; the same command with --resume goes on",
		run: func(ctx context.Context, progress func(train.Progress)) (*train.Result, error) {
			task.Progress = progress
			return train.Fit(ctx, task)
		},
		look: func(ctx context.Context, p model.Parameters, log *TrainingLog) error {
			return m.lookOutside(ctx, log, task.Network, p, task.Quantizer)
		},
	}, nil
}

// teacher reads the checkpoint of a stage's teacher, if it has one.
func (m *Images) teacher(c *train.TeacherConfig, stage string) (*train.Teacher, error) {
	if c == nil {
		return nil, nil
	}
	path := c.Checkpoint
	switch path {
	case train.OwnFloat:
		path = m.w.Path(FileFloat)
	case train.RecipeTeacher:
		path = m.w.Path(FileTeacher)
	default:
		path = datasets.Options{Dir: m.w.DataDir, Base: m.w.recipe.Dir}.File(path)
	}
	t, err := model.ReadCheckpoint(path)
	if c.Checkpoint == train.RecipeTeacher && errors.Is(err, fs.ErrNotExist) {
		return nil, hint.With(fmt.Errorf("%s: teacher: %w", stage, err), "qtool train or run with this recipe trains it")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: teacher: %w", stage, err)
	}
	if t.Quantizers != nil {
		return nil, fmt.Errorf("%s: teacher: %s is a quantized checkpoint (stage %q): want a float one", stage, path, t.Provenance.Stage)
	}
	return &train.Teacher{
		Network: t.Network, Params: t.Params, Distillation: op.Distillation{Weight: c.Weight, Temperature: c.Temperature},
	}, nil
}

// outsideImages is how many training images are looked at where none are held
// out.
const outsideImages = 1000

// lookOutside notes how the inputs of the network's polynomials lie to their
// intervals, on held-out images where there are any.
func (m *Images) lookOutside(ctx context.Context, log *TrainingLog, n *model.Network, p model.Parameters, q train.Quantizer) error {
	if !slices.ContainsFunc(n.Layers, func(l model.Layer) bool { return l.Interval != nil }) {
		return nil
	}
	images := m.train.Draw(outsideImages, m.w.recipe.Seed)
	log.OutsideOf, log.Noun = "training", m.w.data.Unit().One
	if m.val != nil {
		images, log.OutsideOf = m.val, "validation"
	}
	e, err := train.NewEvaluator(n, p, q)
	if err != nil {
		return err
	}
	defer e.Close()
	log.Outside, err = e.Outside(ctx, images)
	return err
}

// fits implements kind.
func (m *Images) fits(path string, c Checkpoint) error {
	w, float := m.w, c.(imageCheckpoint)
	if err := float.Params.Check(m.network); err != nil {
		return fmt.Errorf("%s does not fit recipe %s: %w", path, w.recipe.Name, err)
	}
	have, err := json.Marshal(float.Network.Unfitted())
	if err != nil {
		return err
	}
	want, err := json.Marshal(m.network.Unfitted())
	if err != nil {
		return err
	}
	if !bytes.Equal(have, want) {
		return fmt.Errorf("%s does not fit recipe %s: its network is %s, the recipe's %s", path, w.recipe.Name, have, want)
	}
	return nil
}

// imageFamily is what networks of images do without a recipe.
type imageFamily struct{}

// read implements family.
func (imageFamily) read(path string) (Checkpoint, error) {
	c, err := model.ReadCheckpoint(path)
	if err != nil {
		return nil, err
	}
	return imageCheckpoint{c}, nil
}

// predict implements family.
func (imageFamily) predict(ctx context.Context, c Checkpoint, test *datasets.Split) (verify.Rung, error) {
	float := c.(imageCheckpoint)
	e, err := train.NewEvaluator(float.Network, float.Params, nil)
	if err != nil {
		return verify.Rung{}, err
	}
	defer e.Close()
	answers, err := e.Predict(ctx, test)
	if err != nil {
		return verify.Rung{}, err
	}
	scores, err := e.Scores(ctx, test)
	return verify.Rung{Answers: answers, Values: scores}, err
}

// quantizedAnswers implements family.
func (imageFamily) quantizedAnswers(ctx context.Context, c Checkpoint, p *bundle.Program, test *datasets.Split) (verify.Rung, []export.Drift, error) {
	q, err := c.(imageCheckpoint).Quantized()
	if err != nil {
		return verify.Rung{}, nil, err
	}
	drifts, answers, err := export.Drifts(ctx, q, p, test)
	if err != nil || len(p.Labels) != 2 {
		return verify.Rung{Answers: answers}, drifts, err
	}
	z, err := qat.New(q)
	if err != nil {
		return verify.Rung{}, nil, err
	}
	e, err := train.NewEvaluator(q.Network, q.Params, z)
	if err != nil {
		return verify.Rung{}, nil, err
	}
	defer e.Close()
	scores, err := e.Scores(ctx, test)
	return verify.Rung{Answers: answers, Values: scores}, drifts, err
}

// exported implements family.
func (imageFamily) exported(c Checkpoint, f *bundle.File) (*bundle.File, error) {
	q, err := c.(imageCheckpoint).Quantized()
	if err != nil {
		return nil, err
	}
	p, err := export.Program(q, f.Program.Labels)
	if err != nil {
		return nil, err
	}
	for i := range min(len(p.Nodes), len(f.Program.Nodes)) {
		p.Nodes[i].Seen = f.Program.Nodes[i].Seen
	}
	return &bundle.File{Program: p, Provenance: f.Provenance, Golden: f.Golden, Encoder: f.Encoder}, nil
}
