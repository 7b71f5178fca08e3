package task

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func near(t *testing.T, name string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-12) {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

// The examples of scikit-learn 1.5's documentation of roc_auc_score, mean_absolute_error,
// root_mean_squared_error and r2_score, and of its handling of constant targets.
func TestMetricVectors(t *testing.T) {
	auc, err := AUCOf([]int{0, 0, 1, 1}, []float32{0.1, 0.4, 0.35, 0.8})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "AUC", auc, 0.75)
	rmse, mae, r2 := RegressionOf([]float32{3, -0.5, 2, 7}, []float32{2.5, 0, 2, 8}, 1)
	near(t, "RMSE", rmse, 0.6123724356957945)
	near(t, "MAE", mae, 0.5)
	near(t, "R2", r2, 0.9486081370449679)
	rmse, mae, r2 = RegressionOf([]float32{0.5, 1, -1, 1, 7, -6}, []float32{0, 2, -1, 2, 8, -5}, 2)
	near(t, "RMSE of two targets", rmse, 0.8227486121839513)
	near(t, "MAE of two targets", mae, 0.75)
	near(t, "R2 of two targets", r2, (0.9654377880184332+0.9081632653061225)/2)
	_, _, r2 = RegressionOf([]float32{1, 2, 3}, []float32{3, 2, 1}, 1)
	near(t, "R2 of the reverse", r2, -3)
	_, _, r2 = RegressionOf([]float32{-2, -2, -2}, []float32{-2, -2, -2}, 1)
	near(t, "R2 of a constant, met", r2, 1)
	_, _, r2 = RegressionOf([]float32{-2, -2, -2}, []float32{-2, -2, -2 + 1e-6}, 1)
	near(t, "R2 of a constant, missed", r2, 0)
	near(t, "accuracy", AccuracyOf([]int{0, 1, 2, 3}, []int{0, 2, 1, 3}), 0.5)
}

// AUC is the share of pairs in order, counted one by one.
func TestAUCCountsPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 30).Draw(t, "samples")
		labels := rapid.SliceOfN(rapid.IntRange(0, 1), n, n).Draw(t, "labels")
		labels[0], labels[1] = 0, 1
		scores := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]float32{-1, 0, 1}), rapid.Float32()), n, n).Draw(t, "scores")
		pairs, ordered := 0.0, 0.0
		for i, l := range labels {
			for k, m := range labels {
				if l == 1 && m == 0 {
					pairs++
					switch {
					case scores[i] > scores[k]:
						ordered++
					case scores[i] == scores[k]:
						ordered += 0.5
					}
				}
			}
		}
		got, err := AUCOf(labels, scores)
		if err != nil || got != ordered/pairs {
			t.Fatalf("%v, %v, want %v", got, err, ordered/pairs)
		}
		// Turned round, it is the other share.
		for i := range scores {
			scores[i] = -scores[i]
		}
		if turned, _ := AUCOf(labels, scores); math.Abs(turned+got-1) > 1e-15 {
			t.Fatalf("turned round %v, before %v", turned, got)
		}
	})
}

func TestAUCRefuses(t *testing.T) {
	for _, c := range []struct {
		labels []int
		scores []float32
		want   string
	}{
		{[]int{1, 1}, []float32{0, 1}, "no sample has label 0"},
		{nil, nil, "no sample has label 0"},
		{[]int{0, 2}, []float32{0, 1}, "label 2 of sample 1 is neither 0 nor 1"},
		{[]int{0, 1}, []float32{0, float32(math.NaN())}, "score of sample 1 is not a number"},
	} {
		if _, err := AUCOf(c.labels, c.scores); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %q", err, c.want)
		}
	}
}

func TestTask(t *testing.T) {
	names := func(t Task) (s string) {
		for _, m := range t.Metrics() {
			s += m.Name + " "
		}
		return s
	}
	for _, c := range []struct {
		task  Task
		names string
	}{
		{Task{Classification, 10}, "accuracy "}, {Task{Classification, 2}, "accuracy auc "},
		{Task{Regression, 1}, "rmse mae r2 "}, {Task{Regression, 2}, "rmse mae r2 "},
	} {
		if got := names(c.task); got != c.names || c.task.Metric() != c.task.Metrics()[0] || c.task.Validate() != nil {
			t.Errorf("%v: metrics %q, want %q", c.task, got, c.names)
		}
	}
	for _, bad := range []Task{{}, {"ranking", 2}, {Regression, 0}, {Classification, -1}} {
		if bad.Validate() == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	for _, m := range metrics {
		if own, ok := MetricOf(m.Name); !ok || own != m {
			t.Errorf("%s: %v", m.Name, own)
		}
		worse, better := 0.25, 0.5
		if !m.Higher {
			worse, better = better, worse
		}
		if !m.Better(better, worse) || m.Better(worse, better) || m.Better(worse, worse) || m.Loss(better, worse) != 0.25 {
			t.Errorf("%s: %v is better than %v", m.Name, better, worse)
		}
	}
	if _, ok := MetricOf("f1"); ok {
		t.Error("f1 is none")
	}
}

func TestMetricForm(t *testing.T) {
	for _, c := range []struct {
		m    Metric
		x    float64
		want string
		ok   bool
	}{
		{Accuracy, 0.98765, "98.77 %", true}, {Accuracy, 1.5, "150.00 %", false}, {AUC, 0.98765, "0.9877", true}, {AUC, math.NaN(), "NaN", false},
		{RMSE, 0.612345, "0.6123", true}, {RMSE, 1234.56, "1235", true}, {RMSE, -1, "-1", false}, {MAE, math.Inf(1), "+Inf", false},
		{R2, -3, "-3.0000", true}, {R2, 1.1, "1.1000", false},
	} {
		if got := c.m.Format(c.x); got != c.want || (c.m.Check(c.x) == nil) != c.ok {
			t.Errorf("%s: %q, %v, want %q", c.m.Name, got, c.m.Check(c.x), c.want)
		}
	}
}

func TestNouns(t *testing.T) {
	for kind, want := range map[string]string{
		"pixels": "an image, 1 image, 2 images", "text": "a sentence, 1 sentence, 2 sentences", "table": "a row, 1 row, 2 rows",
		"fingerprint": "a molecule, 1 molecule, 2 molecules", "sound": "a sample, 1 sample, 2 samples",
	} {
		n := OfEncoder(kind)
		if got := n.A() + ", " + n.Count(1) + ", " + n.Count(2); got != want {
			t.Errorf("%s: %q, want %q", kind, got, want)
		}
		if again, ok := NounOf(n.One); !ok || again != n {
			t.Errorf("%s: %v", n.One, again)
		}
	}
	if _, ok := NounOf("pixel"); ok {
		t.Error("pixel is none")
	}
}
