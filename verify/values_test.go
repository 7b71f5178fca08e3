package verify

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"

	"qtool/bundle"
	"qtool/he"
	"qtool/task"
)

// twoClasses answers four samples; each stage's scores are in other units and have the
// same order but for the float stage's first two.
func twoClasses() *Ladder {
	return &Ladder{
		Task:        task.Task{Kind: task.Classification, Outputs: 2},
		Output:      &bundle.Node{Scale: []float64{0.5}},
		Labels:      []uint8{0, 0, 1, 1},
		Float:       []int{0, 1, 0, 1},
		FloatValues: Numbers{-3, 1, -1, 2}, // 0.75: of four pairs, label 1's -1 is below label 0's 1
		Integer:     []bundle.Vec{vec(4, 0), vec(1, 0), vec(0, 0), vec(0, 4)},
		Encrypted:   he.Exact{vec(4, 0), wide(1, 0), vec(0, 0), vec(0, 4)},
	}
}

func TestAUCOfStages(t *testing.T) {
	l := twoClasses()
	c, err := l.Compare()
	if err != nil {
		t.Fatal(err)
	}
	want := Metrics{"auc": {Float: share(0.75), Integer: share(1), Encrypted: share(1)}}
	if !reflect.DeepEqual(c.Metrics, want) {
		t.Errorf("metrics %v, want %v", c.Metrics, want)
	}
	if v := c.Answers.Values; !reflect.DeepEqual(v.Integer, Numbers{-2, -0.5, 0, 2}) || !reflect.DeepEqual(v.Encrypted, v.Integer) || v.Quantized != nil {
		t.Errorf("values %+v", v)
	}
	// Reals are judged as they are.
	l.Encrypted = he.Approximate{Reals: [][]float64{{4, 0}, {0, 1.25}, {0, 0.5}, {0, 4}}, Bound: []float64{9, 9}, Usual: []float64{9, 9}}
	if c, err = l.Compare(); err != nil || *c.Metrics["auc"].Encrypted != 0.75 {
		t.Errorf("approximate: %v, %v", c.Metrics, err)
	}
	// Of the first three samples, what was encrypted is compared with the integers there.
	l.Encrypted, l.EncryptedImages = he.Exact(l.Integer[:3]), 3
	c, err = l.Compare()
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Metrics["auc"]; *m.Encrypted != 1 || *m.IntegerOnEncrypted != 1 || *m.Float != 0.75 {
		t.Errorf("three encrypted: %v", c.Metrics)
	}
	// Of samples of one class there is no AUC, which is no fault.
	l.Encrypted, l.EncryptedImages = he.Exact(l.Integer[:2]), 2
	if c, err = l.Compare(); err != nil || c.Metrics["auc"].Encrypted != nil || c.Metrics["auc"].Integer == nil {
		t.Errorf("one class encrypted: %v, %v", c.Metrics, err)
	}
	l.FloatValues = l.FloatValues[:3]
	if _, err := l.Compare(); err == nil || err.Error() != "verify: float stage has 3 values for 4 samples of 1" {
		t.Errorf("a score is missing: %v", err)
	}
}

// Two targets a sample: the errors of the integers are (0, 1) twice.
func numbers() *Ladder {
	return &Ladder{
		Task:            task.Task{Kind: task.Regression, Outputs: 2},
		Output:          &bundle.Node{Scale: []float64{0.5, 2}},
		Targets:         Numbers{1, 2, -1, 4},
		FloatValues:     Numbers{1, 2, -1, 4},
		QuantizedValues: Numbers{1, 2, -1, 3},
		Integer:         []bundle.Vec{vec(2, 1), vec(-2, 1)},
		Encrypted:       he.Exact{vec(2, 1), vec(-2, 1)},
	}
}

func TestRegressionOfStages(t *testing.T) {
	l := numbers()
	c, err := l.Compare()
	if err != nil {
		t.Fatal(err)
	}
	// The second target's errors are 0 and -2 about a mean of 3: R2 = 1 - 4/2.
	integer := map[string]float64{"rmse": math.Sqrt2 / 2, "mae": 0.5, "r2": 0}
	for name, want := range integer {
		m := c.Metrics[name]
		if math.Abs(*m.Integer-want) > 1e-12 || *m.Integer != *m.Encrypted || m.IntegerOnEncrypted != nil {
			t.Errorf("%s of the integers %v, of the encrypted %v, want %v", name, *m.Integer, *m.Encrypted, want)
		}
	}
	if *c.Metrics["rmse"].Float != 0 || *c.Metrics["r2"].Float != 1 || *c.Metrics["mae"].Quantized != 0.25 {
		t.Errorf("metrics %v", c.Metrics)
	}
	if c.Accuracy != (Accuracy{}) || c.Flips != (Flips{}) || len(c.Answers.Labels) > 0 || c.Answers.Len() != 2 {
		t.Errorf("a regression has accuracy %v, flips %v, labels %v", c.Accuracy, c.Flips, c.Answers.Labels)
	}
	l.Encrypted = he.Exact{vec(2, 1), vec(-2, 2)}
	if c, err = l.Compare(); err != nil || c.LogitMismatches != 1 || c.First.Image != 1 || c.First.Logit != 1 {
		t.Errorf("an encrypted number is another: %+v, %v", c, err)
	}
	l.Encrypted = he.Approximate{Reals: [][]float64{{2.1, 1}, {-2, 1}}, Bound: []float64{0.5, 0.5}, Usual: []float64{0.5, 0.5}}
	if c, err = l.Compare(); err != nil || c.Precision.Outside != 0 || len(c.Precision.Flips) != 0 {
		t.Errorf("reals: %+v, %v", c, err)
	}
	for want, change := range map[string]func(*Ladder){
		"5 targets and 0 labels for a regression of 2 outputs": func(l *Ladder) { l.Targets = append(l.Targets, 1) },
		"4 targets and 1 labels for a regression of 2 outputs": func(l *Ladder) { l.Labels = []uint8{0} },
		"float stage has 2 values for 2 samples of 2":          func(l *Ladder) { l.FloatValues = l.FloatValues[:2] },
		"integer stage has 1 answers for 2":                    func(l *Ladder) { l.Integer = l.Integer[:1] },
	} {
		l := numbers()
		change(l)
		if _, err := l.Compare(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// A report of a regression has the metrics by their names, samples and their noun.
func TestRegressionReport(t *testing.T) {
	c, err := numbers().Compare()
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{Schema: ReportSchema, Recipe: "r", Images: 2, TestImages: 2, Noun: "molecule", Task: task.Regression}
	r.Apply(c)
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Samples int
		Noun    string
		Task    string
		Metric  map[string]map[string]*float64
	}
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	if all.Samples != 2 || all.Noun != "molecule" || all.Task != "regression" || len(all.Metric) != 3 || *all.Metric["mae"]["quantized"] != 0.25 {
		t.Errorf("%s", b)
	}
	var again Report
	if err := json.Unmarshal(b, &again); err != nil {
		t.Fatal(err)
	}
	if again.Unit() != task.Molecule || again.Asked() != (task.Task{Kind: task.Regression, Outputs: 2}) || *again.Judged(task.RMSE).Float != 0 {
		t.Errorf("read back: %v, %v, %v", again.Unit(), again.Asked(), again.Metric)
	}
	if recomputed := again.Answers.Metrics(again.Asked()); !reflect.DeepEqual(recomputed, again.Metric) {
		t.Errorf("its answers give %v, it states %v", recomputed, again.Metric)
	}
	if old := (&Report{}); old.Unit() != task.Image || old.Asked().Kind != task.Classification || old.Judged(task.AUC) != (Accuracy{}) {
		t.Errorf("a report of before: %v, %v", old.Unit(), old.Asked())
	}
}

func TestNumbers(t *testing.T) {
	n := Numbers{0, -1.5, 1e-30, 16777217, 0.1, 1, 2, 3, 4, 5, 6}
	b, err := json.Marshal(n)
	if err != nil || !strings.HasPrefix(string(b), `["0 -1.5 1e-30 1.6777216e+07 0.1 `) {
		t.Fatalf("%s, %v", b, err)
	}
	var again Numbers
	if err := json.Unmarshal(b, &again); err != nil || !reflect.DeepEqual(again, n) {
		t.Errorf("%v, %v", again, err)
	}
	for _, bad := range []string{`["x"]`, `["1e99"]`, `["NaN"]`, `[1]`, `"1"`} {
		if err := json.Unmarshal([]byte(bad), &again); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
	if _, err := json.Marshal(Numbers{float32(math.Inf(1))}); err == nil {
		t.Error("infinity was written")
	}
}
