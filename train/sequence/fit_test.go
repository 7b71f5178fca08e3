package sequence

import (
	"context"
	"math"
	"reflect"
	"testing"

	"qtool/datasets"
	"qtool/datasets/text"
	"qtool/model/sequence"
	"qtool/train"
)

// reviews are the generated sentences as samples of an LSTM.
func reviews(t *testing.T, s text.Selection) (training, dev []Sample, words int) {
	t.Helper()
	c, err := text.Load(context.Background(), "sentences", datasets.Options{})
	if err != nil {
		t.Fatal(err)
	}
	v := text.NewVocabulary(c.Train, nil, 1)
	scores := text.FitLogistic(v, c.Train, 1).Weight
	return Samples(c.Train, v, s, scores), Samples(c.Dev, v, s, scores), v.Len()
}

func task(t *testing.T, n *sequence.Network, words int, training, dev []Sample) Task {
	t.Helper()
	p, err := n.Initialise(words, 1)
	if err != nil {
		t.Fatal(err)
	}
	return Task{
		Network: n, Params: p, Train: training, Dev: dev, Seed: 1, Dropout: 0.1, WordDropout: 0.02,
		Config: train.Config{Epochs: 1, Batch: 50, LearningRate: 0.01, Schedule: "cosine", Clip: 1},
	}
}

func lstm(steps int) *sequence.Network {
	return &sequence.Network{Cell: sequence.LSTM, Embedding: 12, Inputs: 8, Hidden: 12, Steps: steps}
}

// An LSTM learns what counting words cannot: negation, and that the second clause
// decides.
func TestFitLearns(t *testing.T) {
	s := text.Selection{Kind: "first", Steps: 14}
	training, dev, words := reviews(t, s)
	n := lstm(s.Steps)
	n.Mask = true
	k := task(t, n, words, training, dev)
	k.Config.Epochs = 5
	r, err := Fit(context.Background(), k)
	if err != nil {
		t.Fatal(err)
	}
	if a := r.History[len(r.History)-1].Validation; a < 0.9 {
		t.Errorf("accuracy %v on dev sentences", a)
	}
}

func TestFitIsReproducible(t *testing.T) {
	s := text.Selection{Kind: "chunk", Steps: 3, Words: 2}
	training, dev, words := reviews(t, s)
	for _, n := range []*sequence.Network{
		lstm(3),
		{Cell: sequence.LSTM, Embedding: 6, Inputs: 5, Hidden: 4, Steps: 3, Gates: &sequence.Gates{Degree: 3, Radius: 2, Penalty: 10, Inside: 0.5}},
	} {
		k := task(t, n, words, training[:500], dev)
		k.Average = 0.9
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
		n := lstm(steps)
		n.Mask = true
		p, err := n.Initialise(10, 1)
		if err != nil {
			t.Fatal(err)
		}
		e, err := NewEvaluator(n, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		z, err := e.Logits(context.Background(), []Sample{{Steps: text.Selection{Kind: "first", Steps: steps}.Select(words, nil)}})
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
	s := text.Selection{Kind: "chunk", Steps: 1}
	training, dev, words := reviews(t, s)
	n := &sequence.Network{Cell: sequence.Mean, Embedding: 4, Inputs: 3, Steps: 1}
	k := task(t, n, words, training[:200], dev)
	k.KeepWords = true
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
	n := lstm(3)
	p, err := n.Initialise(6, 1)
	if err != nil {
		t.Fatal(err)
	}
	samples := []Sample{{[][]int32{{0}, {1, 2}, {2}}, 1}, {[][]int32{nil, {3}, {0, 3}}, 0}}
	e := &embedder{size: n.Embedding, table: p[0].Data}
	g, err := newGraph(n, p, e, nil, 2, &objective{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.vm.Close()
	loss := func() float64 {
		copy(g.labels.Float32s(), []float32{1, 0})
		g.count = 2
		g.fill(samples, []int{0, 1}, nil)
		if err := g.run(); err != nil {
			t.Fatal(err)
		}
		sum := 0.0
		for i, z := range g.output() {
			sum += math.Log1p(math.Exp(float64(z))) - float64(samples[i].Label)*float64(z)
		}
		return sum / 2
	}
	loss()
	s := newSparse(6, n.Embedding)
	if err := g.gather(s); err != nil {
		t.Fatal(err)
	}
	if len(s.rows) != 4 {
		t.Errorf("rows %v, want those of 4 words", s.rows)
	}
	for k, word := range s.rows {
		for d := range n.Embedding {
			at := int(word)*n.Embedding + d
			const step = 1.0 / 64
			keep := p[0].Data[at]
			p[0].Data[at] = keep + step
			above := loss()
			p[0].Data[at] = keep - step
			below := loss()
			p[0].Data[at] = keep
			if got, want := float64(s.values[k*n.Embedding+d]), (above-below)/(2*step); math.Abs(got-want) > 1e-4 {
				t.Errorf("word %d, number %d: %v, finite difference %v", word, d, got, want)
			}
		}
	}
}

func TestFitStops(t *testing.T) {
	s := text.Selection{Kind: "chunk", Steps: 2}
	training, dev, words := reviews(t, s)
	ctx, cancel := context.WithCancel(context.Background())
	k := task(t, lstm(2), words, training, dev)
	k.Progress = func(p train.Progress) {
		if p.Step == 3 {
			cancel()
		}
	}
	if _, err := Fit(ctx, k); err != context.Canceled {
		t.Errorf("error %v, want the context's", err)
	}
	k.Dev = nil
	if _, err := Fit(context.Background(), k); err == nil {
		t.Error("no dev sentences were taken")
	}
}

func TestSoften(t *testing.T) {
	got := Soften([]float32{0, 2}, []Sample{{Label: 1}, {Label: 0}}, 0.5, 2)
	want := []float32{0.75, float32(0.5 / (1 + math.Exp(-1)))}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
