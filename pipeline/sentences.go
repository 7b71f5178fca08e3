package pipeline

import (
	"context"
	"fmt"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/export"
	sentence "qtool/export/sequence"
	"qtool/internal/hint"
	"qtool/model/sequence"
	qat "qtool/qat/sequence"
	material "qtool/recipe/sentence"
	"qtool/task"
	plain "qtool/train"
	train "qtool/train/sequence"
	"qtool/verify"
)

// sentences is a run whose network reads sentences.
type sentences struct {
	sentenceFamily
	w *Workspace
	*material.Material
	encoded *datasets.Split // the test sentences for the bundle, once that is there
}

func (s *sentences) images(what string) (*Images, error) {
	return nil, hint.With(fmt.Errorf("recipe %s reads sentences: %s is for networks of images", s.w.recipe.Name, what), "train, quantize, run and verify-encrypted know sentences")
}

func (s *sentences) validated() bool     { return true }
func (s *sentences) unquantized() string { return "" }

// load implements kind.
func (s *sentences) load(ctx context.Context) (*datasets.Dataset, error) {
	r := s.w.recipe
	var err error
	if s.Material, err = material.Load(ctx, r, datasets.Options{Dir: s.w.DataDir, Base: r.Dir}); err != nil {
		return nil, err
	}
	if err := r.Verify.CheckImages(len(s.Corpus.Test), task.Sentence.Many); err != nil {
		return nil, fmt.Errorf("recipe %s: %w", r.Name, err)
	}
	s.tested = func(n int) []train.Sample { return s.Samples(s.Corpus.Test[:n]) }
	s.w.Note(fmt.Sprintf("linear baseline, logistic regression on the set of words: dev %.2f %%, test %.2f %%",
		100*s.Logistic.Accuracy(s.Vocabulary, s.Corpus.Dev), 100*s.Logistic.Accuracy(s.Vocabulary, s.Corpus.Test)))
	return corpusData(s.Corpus, nil), nil
}

// corpusData is a corpus as a dataset of its test sentences, encoded; without an
// encoder there are their labels alone.
func corpusData(c *text.Corpus, e *text.Encoder) *datasets.Dataset {
	d := &datasets.Dataset{Name: c.Name, Classes: len(text.Labels), SHA256: c.SHA256, Noun: task.Sentence}
	if e != nil {
		d.Shape, d.Test = e.Shape(), text.Split(e, c.Test)
		return d
	}
	d.Test = &datasets.Split{Shape: []int{0}}
	for _, sentence := range c.Test {
		d.Test.Labels = append(d.Test.Labels, sentence.Label)
	}
	return d
}

// test implements kind.
func (s *sentences) test() *datasets.Split { return s.encoded }

// initial implements kind.
func (s *sentences) initial(string) (Checkpoint, error) {
	n, params, err := s.Initial()
	if err != nil {
		return nil, err
	}
	return sentenceCheckpoint{&sequence.Checkpoint{Network: n, Params: params, Words: s.Vocabulary.Words, Scores: s.Logistic.Weight}}, nil
}

// training implements kind.
func (s *sentences) training(c Checkpoint, _ string) (*training, error) {
	float := c.(sentenceCheckpoint)
	return s.task(s.Training(float.Network, float.Params, s.Samples(s.Corpus.Train), s.Samples(s.Corpus.Dev))), nil
}

func (s *sentences) task(t train.Task) *training {
	return &training{
		config: t.Config, samples: len(t.Train),
		resume: "the same command with --resume keeps the stages that are finished and repeats this one",
		run: func(ctx context.Context, progress func(plain.Progress)) (*plain.Result, error) {
			t.Progress = progress
			return train.Fit(ctx, t)
		},
	}
}

// fits implements kind: it refuses a checkpoint of another network or vocabulary than
// the recipe's.
func (s *sentences) fits(path string, checkpoint Checkpoint) error {
	c, want := checkpoint.(sentenceCheckpoint), s.w.recipe.Sentence.Build()
	if have := c.Network; fmt.Sprintf("%+v", *have) != fmt.Sprintf("%+v", *want) && !sameNetwork(have, want) {
		return fmt.Errorf("%s does not fit recipe %s: its network is %+v, the recipe's %+v", path, s.w.recipe.Name, *have, *want)
	}
	if len(c.Words) != s.Vocabulary.Len() {
		return fmt.Errorf("%s does not fit recipe %s: it has %d words, the recipe's vocabulary %d", path, s.w.recipe.Name, len(c.Words), s.Vocabulary.Len())
	}
	return nil
}

func sameNetwork(a, b *sequence.Network) bool {
	x, y := *a, *b
	if (x.Gates == nil) != (y.Gates == nil) || x.Gates != nil && *x.Gates != *y.Gates {
		return false
	}
	x.Gates, y.Gates = nil, nil
	return x == y
}

// roundedSentences is a network of sentences with its quantizer.
type roundedSentences struct {
	*sentences
	float sentenceCheckpoint
	z     *qat.Quantizer
	all   []train.Sample // that are trained on
}

// round implements kind.
func (s *sentences) round(ctx context.Context, float Checkpoint) (rounded, error) {
	r := &roundedSentences{sentences: s, float: float.(sentenceCheckpoint), all: s.Samples(s.Corpus.Train)}
	var err error
	r.z, err = s.Quantizer(ctx, r.float.Network, r.float.Params)
	return r, err
}

// finetuning implements rounded.
func (r *roundedSentences) finetuning(ctx context.Context) (*training, error) {
	task, err := r.FineTuning(ctx, r.float.Network, r.float.Params, r.z, r.all, r.Samples(r.Corpus.Dev))
	if err != nil {
		return nil, err
	}
	return r.task(task), nil
}

// log implements rounded.
func (r *roundedSentences) log(context.Context) (*TrainingLog, error) { return nil, nil }

// checkpoint implements rounded.
func (r *roundedSentences) checkpoint() Checkpoint {
	q := r.z.Quantized()
	return sentenceCheckpoint{&sequence.Checkpoint{Network: q.Network, Params: q.Params, Words: r.float.Words, Scores: r.float.Scores, Quantizers: &q.Quantizers}}
}

// file implements kind.
func (s *sentences) file(c Checkpoint) (*bundle.File, []float64, error) {
	q, err := c.(sentenceCheckpoint).Quantized()
	if err != nil {
		return nil, nil, err
	}
	f, e, err := s.File(q, observedSamples, goldenSamples)
	if err != nil {
		return nil, nil, err
	}
	s.encoded = text.Split(e, s.Corpus.Test)
	return f, nil, nil
}

// sentenceFamily is what networks of sentences do without a recipe.
type sentenceFamily struct {
	// tested are the first test sentences with the words that the network reads.
	tested func(n int) []train.Sample
}

// read implements family.
func (sentenceFamily) read(path string) (Checkpoint, error) {
	c, err := sequence.ReadCheckpoint(path)
	if err != nil {
		return nil, err
	}
	return sentenceCheckpoint{c}, nil
}

// predict implements family.
func (s sentenceFamily) predict(ctx context.Context, c Checkpoint, test *datasets.Split) (verify.Rung, error) {
	float := c.(sentenceCheckpoint)
	e, err := train.NewEvaluator(float.Network, float.Params, nil)
	if err != nil {
		return verify.Rung{}, err
	}
	defer e.Close()
	logits, err := e.Logits(ctx, s.tested(test.Len()))
	if err != nil {
		return verify.Rung{}, err
	}
	return signed(logits), nil
}

// quantizedAnswers implements family.
func (sentenceFamily) quantizedAnswers(ctx context.Context, c Checkpoint, p *bundle.Program, test *datasets.Split) (verify.Rung, []export.Drift, error) {
	q, err := c.(sentenceCheckpoint).Quantized()
	if err != nil {
		return verify.Rung{}, nil, err
	}
	z, err := qat.New(q)
	if err != nil {
		return verify.Rung{}, nil, err
	}
	e, err := train.NewServer(q.Network, q.Params, z)
	if err != nil {
		return verify.Rung{}, nil, err
	}
	defer e.Close()
	answers, err := e.Encoded(ctx, test, 1<<(q.Quantizers.Input.Bits-1))
	if err != nil {
		return verify.Rung{}, nil, err
	}
	if q.Quantizers.Family == sequence.PolynomialFamily {
		return signed(answers.Logits), nil, nil
	}
	drifts, err := sentence.Drift(q, p, test, answers)
	return signed(answers.Logits), drifts, err
}

// signed are the labels that logits z say by their signs. The score is 2z: programs
// have the two logits -z and z.
func signed(logits []float32) verify.Rung {
	r := verify.Rung{Answers: make(verify.Predictions, len(logits)), Values: make(verify.Numbers, len(logits))}
	for i, z := range logits {
		if z > 0 {
			r.Answers[i] = 1
		}
		r.Values[i] = 2 * z
	}
	return r
}

// exported implements family.
func (sentenceFamily) exported(c Checkpoint, f *bundle.File) (*bundle.File, error) {
	q, err := c.(sentenceCheckpoint).Quantized()
	if err != nil {
		return nil, err
	}
	p, err := sentence.Program(q, f.Program.Labels)
	if err != nil {
		return nil, err
	}
	sentence.CopySeen(p, f.Program)
	return &bundle.File{Program: p, Provenance: f.Provenance, Golden: f.Golden, Encoder: f.Encoder}, nil
}
