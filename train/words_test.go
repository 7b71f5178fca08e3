package train

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/encode"
	"qtool/model"
	"qtool/train/op"
)

// reviews are the generated sentences as samples of an LSTM.
func reviews(t *testing.T, s encode.Selection) (training, dev *datasets.Split, words int) {
	t.Helper()
	c, err := text.Load(context.Background(), "sentences", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := text.NewVocabulary(c.Train, nil, 1)
	scores := text.FitLogistic(v, c.Train, 1).Weight
	return text.Samples(c.Train, v, s, scores), text.Samples(c.Dev, v, s, scores), v.Len()
}

// reader is a network that reads words: an LSTM or, with steps 1 and no units, their
// average.
func reader(words, steps, embedding, inputs, hidden int) *model.Network {
	n := &model.Network{Input: []int{steps}, Layers: []model.Layer{
		{Type: model.Embedding, Name: "embedding", Units: embedding, Words: words, Rate: 0.1, WordDropout: 0.02},
		{Type: model.Projection, Name: "projection", Units: inputs},
		{Type: model.LSTM, Name: "lstm", Units: hidden},
		{Type: model.Dropout, Name: "dropout", Rate: 0.1},
		{Type: model.Dense, Name: "output", Units: 1},
	}}
	if hidden == 0 {
		n.Layers[0].Combine = model.Mean
		n.Layers[2] = model.Layer{Type: model.Flatten, Name: "flatten"}
	}
	return n
}

func wordTask(t *testing.T, n *model.Network, training, dev *datasets.Split) Task {
	t.Helper()
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	return Task{
		Network: n, Params: p, Train: training, Validation: dev, Seed: 1,
		Config: Config{Epochs: 1, Batch: 50, LearningRate: 0.01, Schedule: "cosine", Clip: 1},
	}
}

// polynomialReader has gates of polynomials.
func polynomialReader(words int) *model.Network {
	n := reader(words, 3, 6, 5, 4)
	n.Layers[2].Gates = &model.Gates{Degree: 3, Radius: 2, Penalty: 10, Inside: 0.5}
	return n
}

// An LSTM and a GRU learn what counting words cannot: negation, and that the second clause
// decides.
func TestFitLearnsWords(t *testing.T) {
	s := encode.Selection{Kind: "first", Steps: 14}
	training, dev, words := reviews(t, s)
	n := reader(words, s.Steps, 12, 8, 12)
	n.Layers[2].Mask = true
	for _, kind := range []model.Kind{model.LSTM, model.GRU} {
		n.Layers[2].Type = kind
		k := wordTask(t, n, training, dev)
		k.Config.Epochs = 5
		r, err := Fit(context.Background(), k)
		if err != nil {
			t.Fatal(err)
		}
		if a := r.History[len(r.History)-1].Validation; a < 0.9 {
			t.Errorf("%s: accuracy %v on dev sentences", kind, a)
		}
	}
}

func TestWordsAreReproducible(t *testing.T) {
	s := encode.Selection{Kind: "chunk", Steps: 3, Words: 2}
	training, dev, words := reviews(t, s)
	for _, n := range []*model.Network{reader(words, 3, 12, 8, 12), polynomialReader(words)} {
		k := wordTask(t, n, training.First(500), dev)
		k.Config.Average = 0.9
		first, err := Fit(context.Background(), k)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Fit(context.Background(), k)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(first.Params, again.Params) || !reflect.DeepEqual(first.History, again.History) {
			t.Error("two runs differ")
		}
	}
}

// Dead padding on the left changes nothing where it is masked.
func TestMaskedPadding(t *testing.T) {
	words := []int32{3, 1, 4}
	logit := func(steps int) float32 {
		n := reader(10, steps, 12, 8, 12)
		n.Layers[2].Mask = true
		p, err := n.Initialise(1)
		if err != nil {
			t.Fatal(err)
		}
		e, err := NewEvaluator(n, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		z, err := e.Logits(context.Background(), &datasets.Split{Words: [][][]int32{encode.Selection{Kind: "first", Steps: steps}.Select(words, nil)}, Labels: []uint8{0}})
		if err != nil {
			t.Fatal(err)
		}
		return z[0]
	}
	if a, b := logit(3), logit(7); a != b {
		t.Errorf("logit %v, with padding %v", a, b)
	}
}

func TestKeepWords(t *testing.T) {
	s := encode.Selection{Kind: "chunk", Steps: 1}
	training, dev, words := reviews(t, s)
	k := wordTask(t, reader(words, 1, 4, 3, 0), training.First(200), dev)
	k.Config.KeepWords = true
	r, err := Fit(context.Background(), k)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r.Params[0].Data, k.Params[0].Data) {
		t.Error("the vectors have moved")
	}
	if reflect.DeepEqual(r.Params[1].Data, k.Params[1].Data) {
		t.Error("the projection has not moved")
	}
}

// The gradient by a word's vector is the finite difference of the loss.
func TestWordGradient(t *testing.T) {
	n := reader(6, 3, 12, 8, 12)
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	samples := [][][]int32{{{0}, {1, 2}, {2}}, {nil, {3}, {0, 3}}}
	want := []float32{1, 0}
	g, err := newGraph(n, p, nil, 2, &objective{whole: true})
	if err != nil {
		t.Fatal(err)
	}
	defer g.close()
	loss := func() float64 {
		copy(g.labels.Float32s(), want)
		g.count = 2
		for r, steps := range samples {
			g.words(r, steps, nil)
		}
		if err := g.run(); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, z := range g.output() {
			sum += math.Log1p(math.Exp(float64(z))) - float64(want[i])*float64(z)
		}
		return sum / 2
	}
	loss()
	s := newSparse(6, 12)
	if err := g.gatherWords(s); err != nil {
		t.Fatal(err)
	}
	if len(s.rows) != 4 {
		t.Errorf("rows %v, want those of 4 words", s.rows)
	}
	for k, word := range s.rows {
		for d := range 12 {
			at := int(word)*12 + d
			const step = 1.0 / 64
			keep := p[0].Data[at]
			p[0].Data[at] = keep + step
			above := loss()
			p[0].Data[at] = keep - step
			below := loss()
			p[0].Data[at] = keep
			if got, slope := float64(s.values[k*12+d]), (above-below)/(2*step); math.Abs(got-slope) > 1e-4 {
				t.Errorf("word %d, number %d: %v, finite difference %v", word, d, got, slope)
			}
		}
	}
}

func TestWordsStop(t *testing.T) {
	s := encode.Selection{Kind: "chunk", Steps: 2}
	training, dev, words := reviews(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	k := wordTask(t, reader(words, 2, 12, 8, 12), training, dev)
	k.Progress = func(p Progress) {
		if p.Step == 3 {
			cancel()
		}
	}
	if _, err := Fit(ctx, k); err != context.Canceled {
		t.Errorf("error %v, want the context's", err)
	}
	k.Config.Patience, k.Validation = 1, nil
	if _, err := Fit(context.Background(), k); err == nil {
		t.Error("no dev sentences were taken")
	}
}

func TestSoften(t *testing.T) {
	got := soften([]float32{0, 2}, []uint8{1, 0}, 0.5, 2)
	want := []float32{0.75, float32(0.5 / (1 + math.Exp(-1)))}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// Where a run is interrupted makes no difference: within an epoch, between two, with
// averages and a teacher. The state has all that it needs.
func TestWordsResume(t *testing.T) {
	s := encode.Selection{Kind: "chunk", Steps: 3, Words: 2}
	training, dev, words := reviews(t, s)
	n := reader(words, 3, 6, 5, 4)
	k := wordTask(t, n, training.First(500), dev)
	k.Config.Epochs, k.Config.Average, k.Config.Patience = 3, 0.9, 2
	for name, change := range map[string]func(*Task){
		"plain": func(*Task) {},
		"polynomial gates, the rate of words": func(k *Task) {
			k.Network = polynomialReader(words)
			k.Config.WordRate = 3
		},
		"masked": func(k *Task) {
			k.Network = reader(words, 3, 6, 5, 4)
			k.Network.Layers[2].Mask = true
		},
		"a GRU": func(k *Task) {
			k.Network = reader(words, 3, 6, 5, 4)
			k.Network.Layers[2].Type = model.GRU
		},
		"teacher, words kept": func(k *Task) {
			k.Teacher = &Teacher{Network: n, Params: k.Params, Distillation: op.Distillation{Weight: 0.5, Temperature: 2}}
			k.Config.KeepWords = true
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := k
			change(&k)
			k = wordTaskOf(t, k)
			whole, err := Fit(context.Background(), k)
			if err != nil {
				t.Fatal(err)
			}
			k.State, k.Resume = filepath.Join(t.TempDir(), "state"), true
			at := 3 // of the steps of a process
			k.Progress = nil
			for processes := 0; ; processes++ {
				ctx, cancel := context.WithCancel(context.Background())
				steps := 0
				k.Progress = func(Progress) {
					if steps++; steps == at {
						cancel()
					}
				}
				r, err := Fit(ctx, k)
				cancel()
				if errors.Is(err, context.Canceled) && processes < 20 {
					at += 2
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if processes < 3 {
					t.Errorf("%d processes: the test tests nothing", processes)
				}
				if !reflect.DeepEqual(whole.Params, r.Params) || !reflect.DeepEqual(whole.History, r.History) || whole.Best != r.Best {
					t.Error("the interrupted run ended otherwise")
				}
				return
			}
		})
	}
}

// wordTaskOf is the task with the parameters of its own network.
func wordTaskOf(t *testing.T, k Task) Task {
	t.Helper()
	p, err := k.Network.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	k.Params = p
	return k
}

func TestWordErrors(t *testing.T) {
	s := encode.Selection{Kind: "chunk", Steps: 2}
	training, dev, words := reviews(t, s)
	good := wordTask(t, reader(words, 2, 4, 3, 2), training.First(100), dev)
	other := wordTask(t, reader(words-1, 2, 4, 3, 2), training.First(100), dev)
	for want, change := range map[string]func(*Task){
		"the network reads words: true":    func(k *Task) { k.Train = &datasets.Split{Shape: []int{1}, Images: []uint8{1}, Labels: []uint8{1}} },
		"the teacher knows":                func(k *Task) { k.Teacher = &Teacher{Network: other.Network, Params: other.Params} },
		"word_rate: 3, but keep_words":     func(k *Task) { k.Config.WordRate, k.Config.KeepWords = 3, true },
		"average: 1 is outside 0..0.99999": func(k *Task) { k.Config.Average = 1 },
	} {
		k := good
		change(&k)
		if _, err := Fit(context.Background(), k); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want an error with %q", err, want)
		}
	}
}
