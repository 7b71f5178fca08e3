package tune

import (
	"math"
	"slices"
	"testing"

	"qtool/task"
	"qtool/tune/pareto"
)

// The same figures of four networks, each costlier than the one before, have another
// front as errors, where less is better, than as accuracies.
func TestTheMetricDecides(t *testing.T) {
	figures := []float64{0.9, 0.7, 0.8, 0.4}
	for metric, want := range map[string][]float64{"": {0.9}, "accuracy": {0.9}, "auc": {0.9}, "rmse": {0.9, 0.7, 0.4}, "mae": {0.9, 0.7, 0.4}} {
		r := &Report{Metric: metric, FloatAccuracy: 0.4, Identity: Identity{Images: 100}}
		var all []pareto.Candidate
		for i, x := range figures {
			all = append(all, r.worth(&Candidate{Point: pareto.Point{i}, Accuracy: x, Needs: &Needs{Work: float64(1 + i)}}))
		}
		var front []float64
		for _, c := range pareto.Front(all) {
			front = append(front, figures[c.Point[0]])
		}
		if !slices.Equal(front, want) {
			t.Errorf("%q: the front is %v, want %v", metric, front, want)
		}
	}
}

// Losses are shares of wrong answers, or errors as multiples of the float network's; the
// picture has them in percent, and never at 0.
func TestLoss(t *testing.T) {
	for _, c := range []struct {
		metric            string
		float, x          float64
		wantLoss, wantPct float64
	}{
		{"", 0.99, 0.75, 0.25, 25}, {"", 0.99, 1, 0, 0.5}, {task.RMSE.Name, 2, 3, 1.5, 150},
		{task.RMSE.Name, 0, 3, 3, 300}, {task.MAE.Name, 2, 0, 0, 0.5},
	} {
		r := &Report{Metric: c.metric, FloatAccuracy: c.float, Identity: Identity{Images: 100}}
		loss := r.loss(c.x)
		if loss != c.wantLoss || math.Abs(r.drawn(loss)-c.wantPct) > 1e-12 {
			t.Errorf("%+v: loss %v, drawn %v", c, loss, r.drawn(loss))
		}
	}
}
