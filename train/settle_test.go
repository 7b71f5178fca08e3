package train

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"qtool/datasets"
	"qtool/model"
)

// A network with a batch norm, and bright and dark bars to tell apart.
func bars(images int) (*model.Network, *datasets.Split) {
	n := &model.Network{Input: []int{1, 6, 6}, Layers: []model.Layer{
		{Type: model.Flatten, Name: "flatten"}, {Type: model.Dense, Name: "fc1", Units: 5}, {Type: model.BatchNorm, Name: "norm"},
		{Type: model.Square, Name: "square"}, {Type: model.Dense, Name: "fc2", Units: 3},
	}}
	s := &datasets.Split{Shape: []int{1, 6, 6}}
	x := uint32(1)
	for i := range images {
		s.Labels = append(s.Labels, uint8(i%3))
		for p := range 36 {
			x = x*1664525 + 1013904223
			v := uint8(x >> 27)
			if p/12 == i%3 {
				v += 190
			}
			s.Images = append(s.Images, v)
		}
	}
	return n, s
}

// Whatever the batches and the steps, the running moments are the moments that the
// training images have under the final weights, computed here from the definition,
// within what settle states.
func TestMomentsBelongToTheWeights(t *testing.T) {
	for _, c := range []struct{ images, batch, epochs, patience int }{
		{60, 2, 3, 0}, {61, 2, 3, 0}, {60, 3, 2, 0}, {61, 5, 2, 0}, {61, 6, 3, 0}, {64, 7, 2, 0}, {61, 20, 1, 0}, {60, 59, 40, 0},
		{60, 60, 1, 0}, {60, 1000, 3, 0}, {300, 20, 30, 0}, {60, 20, 6, 2}, {3, 2, 2, 0},
	} {
		n, s := bars(c.images)
		p, err := n.Initialise(1)
		if err != nil {
			t.Fatal(err)
		}
		r, err := Fit(context.Background(), Task{Network: n, Params: p, Train: s, Validation: s, Seed: 1,
			Config: Config{Epochs: c.epochs, Batch: c.batch, LearningRate: 0.02, Schedule: "constant", Patience: c.patience}})
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		w, b := r.Params.Of("fc1")
		mean, variance := r.Params.Get("norm.mean"), r.Params.Get("norm.variance")
		for k := range b {
			var sum, square float64
			for i := range s.Len() {
				z := float64(b[k])
				for j, v := range s.Image(i) {
					z += float64(w[k*36+j]) * float64(v) / 255
				}
				sum, square = sum+z, square+z*z
			}
			count := float64(s.Len())
			m := sum / count
			v := (square/count - m*m) * count / (count - 1)
			// What may have been left stands beside what the pass itself rounds.
			if math.Abs(float64(mean[k])-m) > (settledMean+0.01)*math.Sqrt(v+1e-5) || math.Abs(float64(variance[k])-v) > (settledVariance+0.02)*(v+1e-5) {
				t.Errorf("%+v: channel %d has mean %v and variance %v, want %v and %v", c, k, mean[k], variance[k], m, v)
			}
		}
		if e, err := NewEvaluator(n, r.Params, nil); err != nil {
			t.Error(err)
		} else if score, err := e.Accuracy(context.Background(), s); err != nil || r.Settled && score != r.History[r.Best-1].Validation {
			t.Errorf("%+v: the network scores %v, its history says %v, %v", c, score, r.History[r.Best-1].Validation, err)
		}
	}
}

// A training that was long enough keeps its own moments, and says so.
func TestSettledMomentsStay(t *testing.T) {
	n, s := bars(600)
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	for epochs, want := range map[int]bool{1: true, 20: false} {
		r, err := Fit(context.Background(), Task{Network: n, Params: p, Train: s, Seed: 1,
			Config: Config{Epochs: epochs, Batch: 50, LearningRate: 0.01, Schedule: "cosine"}})
		if err != nil || r.Settled != want {
			t.Errorf("%d epochs: settled %v, %v, want %v", epochs, r.Settled, err, want)
		}
	}
}

func TestBatchOfOneIsRefused(t *testing.T) {
	n, s := bars(10)
	p, err := n.Initialise(1)
	if err != nil {
		t.Fatal(err)
	}
	task := Task{Network: n, Params: p, Train: s, Config: Config{Epochs: 1, Batch: 1, LearningRate: 0.01, Schedule: "constant"}}
	if _, err := Fit(context.Background(), task); err == nil || !strings.Contains(err.Error(), `batch: 1: batch norm "norm" normalises by the deviation within a batch`) {
		t.Error(err)
	}
	task.Config.Batch, task.Train = 2, s.First(1)
	if _, err := Fit(context.Background(), task); err == nil || !strings.Contains(err.Error(), "1 training samples: a batch norm needs 2 or more") {
		t.Error(err)
	}
}

// The shards of every batch have its images once each, and none alone.
func TestPartsOfBatches(t *testing.T) {
	for batch := 2; batch < 40; batch++ {
		for images := 2; images <= batch; images++ {
			for _, normed := range []bool{false, true} {
				f := &fitter{normed: normed}
				n := f.shardsOf(batch)
				size, at, what := (batch+n-1)/n, 0, fmt.Sprintf("batch %d, %d images, normed %v", batch, images, normed)
				for s := range n {
					from, to := f.part(s, size, images)
					if from != at || to-from > size || normed && to-from == 1 {
						t.Errorf("%s: shard %d has %d..%d after %d", what, s, from, to, at)
					}
					at = to
				}
				if at != images {
					t.Errorf("%s: %d images have a shard", what, at)
				}
			}
		}
	}
}
