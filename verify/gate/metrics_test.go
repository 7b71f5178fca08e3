package gate

import (
	"math"
	"slices"
	"strings"
	"testing"

	"qtool/task"
	"qtool/verify"
)

// Student's own example, ten patients' hours of sleep gained by two drugs: R's
// t.test(extra ~ group, data = sleep, paired = TRUE) has t = -4.0621, df = 9 and a
// two-sided p-value of 0.002833.
func TestPairedTOfAPaper(t *testing.T) {
	dextro := []float64{0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2}
	laevo := []float64{1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4}
	if p := PairedT(dextro, laevo); math.Abs(p-0.002833/2) > 0.0000005 {
		t.Errorf("p is %v, want %v", p, 0.002833/2)
	}
	if p := PairedT(laevo, dextro); p != 1 {
		t.Errorf("turned round: p is %v, want 1", p)
	}
	if p := PairedT([]float64{1, 2, 3}, []float64{2, 3, 4}); p != 0 {
		t.Errorf("all grow alike: p is %v, want 0", p)
	}
	if p := PairedT([]float64{1}, []float64{2}); p != 1 {
		t.Errorf("one sample: p is %v, want 1", p)
	}
}

// scored is testReport of two classes with scores, whose AUC is restated.
func scored(n int) *verify.Report {
	r := testReport(n)
	r.Noun = task.Sentence.One
	a := &r.Answers
	v := &verify.Values{Outputs: 1}
	for i := range n {
		a.Labels[i], a.Float[i], a.Quantized[i], a.Integer[i], a.Encrypted[i] = i%2, i%2, i%2, i%2, i%2
		score := float32(i%2) + float32(i%7)/4 // the classes overlap
		v.Float, v.Integer = append(v.Float, score+0.01), append(v.Integer, score)
	}
	v.Quantized, v.Encrypted = slices.Clone(v.Integer), slices.Clone(v.Integer)
	a.Values = v
	return rescore(r)
}

func rescore(r *verify.Report) *verify.Report {
	restate(r)
	r.Metric = r.Answers.Metrics(r.Asked())
	return r
}

func TestAUC(t *testing.T) {
	const n = 200
	base := mustUpdate(t, nil, scored(n))
	e := base.Entry("tiny")
	if e.Noun != "sentence" || e.Metric["auc"].Integer == nil || *e.Budgets.MaxAUCLoss != defaultAUCLoss {
		t.Fatalf("entry %+v", e)
	}
	// worse takes score away from samples of label 1, on all stages.
	worse := func(r *verify.Report, by float32) {
		v := r.Answers.Values
		for i := 1; i < n; i += 2 {
			v.Float[i], v.Quantized[i], v.Integer[i], v.Encrypted[i] = v.Float[i]-by, v.Quantized[i]-by, v.Integer[i]-by, v.Encrypted[i]-by
		}
		r.BundleSHA256 = hash("c")
		rescore(r)
	}
	for name, c := range map[string]struct {
		change func(*verify.Report)
		failed []string
	}{
		"the same":        {func(*verify.Report) {}, nil},
		"a loss":          {func(r *verify.Report) { worse(r, 0.5) }, []string{"bundle", "auc-float", "auc-integer", "auc-encrypted"}},
		"a gain":          {func(r *verify.Report) { worse(r, -0.5) }, []string{"bundle"}},
		"stated larger":   {func(r *verify.Report) { r.Metric["auc"] = verify.Accuracy{Integer: pointer(1.0)} }, []string{"consistency", "auc-float", "auc-encrypted"}},
		"another metric":  {func(r *verify.Report) { r.Metric["f1"] = verify.Accuracy{} }, []string{"consistency"}},
		"a score less":    {func(r *verify.Report) { v := r.Answers.Values; v.Float = v.Float[1:] }, []string{"consistency"}},
		"other samples":   {func(r *verify.Report) { r.Samples = 3 }, []string{"consistency"}},
		"without scores":  {func(r *verify.Report) { r.Answers.Values, r.Metric = nil, nil }, []string{"auc-float", "auc-integer", "auc-encrypted"}},
		"another task":    {func(r *verify.Report) { r.Task = "ranking" }, []string{"report"}},
		"called numbers":  {func(r *verify.Report) { r.Task = task.Regression }, []string{"report"}},
		"encrypted apart": {func(r *verify.Report) { r.Answers.Values.Encrypted[0] = 9; rescore(r) }, []string{"consistency", "auc-encrypted"}},
	} {
		r := scored(n)
		c.change(r)
		if got := Check(r, base, Options{}).Failed(); !slices.Equal(got, c.failed) {
			t.Errorf("%s: failed %v, want %v", name, got, c.failed)
		}
	}
	r := scored(n)
	spoil2(r)
	var text strings.Builder
	if err := Check(r, base, Options{}).Write(&text, "text", ""); err != nil {
		t.Fatal(err)
	}
	if s := text.String(); strings.Contains(s, "image ") || !strings.Contains(s, "on 200 of 200 sentences") || !strings.Contains(s, "1 sentence has other answers") {
		t.Errorf("sentences are called otherwise:\n%s", s)
	}
	// A baseline from before scores knows no AUC.
	old := scored(n)
	old.Answers.Values, old.Metric = nil, nil
	if result := Check(scored(n), mustUpdate(t, nil, old), Options{}); !result.Passed {
		t.Errorf("an older baseline: failed %v", result.Failed())
	}
}

// spoil2 answers one sample otherwise on all stages.
func spoil2(r *verify.Report) {
	a := &r.Answers
	a.Float[0], a.Quantized[0], a.Integer[0], a.Encrypted[0] = 1, 1, 1, 1
	rescore(r)
}

// regression is testReport of numbers, two targets a molecule.
func regression(n int) *verify.Report {
	r := testReport(n)
	r.Answers, r.Accuracy, r.ArgmaxFlips = verify.Answers{}, verify.Accuracy{}, verify.Flips{}
	r.Task, r.Noun = task.Regression, task.Molecule.One
	v := &verify.Values{Outputs: 2}
	for i := range 2 * n {
		x := float32(i%13) / 3
		v.Targets, v.Float = append(v.Targets, x), append(v.Float, x+float32(i%5-2)/8)
		v.Integer = append(v.Integer, x+float32(i%7-3)/8)
	}
	v.Quantized, v.Encrypted = slices.Clone(v.Integer), slices.Clone(v.Integer)
	r.Answers.Values = v
	r.Metric = r.Answers.Metrics(r.Asked())
	return r
}

func TestRegression(t *testing.T) {
	const n = 100
	base := mustUpdate(t, nil, regression(n))
	raw, err := base.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if base, err = DecodeBaseline(raw); err != nil {
		t.Fatal(err)
	}
	grow := func(r *verify.Report, by float32, every int) {
		v := r.Answers.Values
		for i := 0; i < len(v.Targets); i += every {
			v.Integer[i] = v.Targets[i] + (v.Integer[i]-v.Targets[i])*by
		}
		v.Quantized, v.Encrypted = slices.Clone(v.Integer), slices.Clone(v.Integer)
		r.Metric, r.BundleSHA256 = r.Answers.Metrics(r.Asked()), hash("c")
	}
	for name, c := range map[string]struct {
		change func(*verify.Report)
		failed []string
	}{
		"the same":              {func(*verify.Report) {}, nil},
		"errors grow":           {func(r *verify.Report) { grow(r, 1.5, 1) }, []string{"bundle", "rmse-integer", "rmse-encrypted"}},
		"errors shrink":         {func(r *verify.Report) { grow(r, 0.5, 1) }, []string{"bundle"}},
		"errors grow a little":  {func(r *verify.Report) { grow(r, 1.005, 1) }, []string{"bundle"}},
		"errors grow by luck":   {func(r *verify.Report) { grow(r, 1.5, 199) }, []string{"bundle"}},
		"an RMSE altered":       {func(r *verify.Report) { m := r.Metric["rmse"]; m.Integer = pointer(0.0); r.Metric["rmse"] = m }, []string{"consistency"}},
		"a value altered":       {func(r *verify.Report) { r.Answers.Values.Integer[3]++ }, []string{"consistency"}},
		"other targets":         {func(r *verify.Report) { r.Answers.Values.Targets[3]++; r.Metric = r.Answers.Metrics(r.Asked()) }, []string{"labels"}},
		"a value less":          {func(r *verify.Report) { v := r.Answers.Values; v.Integer = v.Integer[1:] }, []string{"consistency"}},
		"no values":             {func(r *verify.Report) { r.Answers.Values = nil }, []string{"report"}},
		"labels beside":         {func(r *verify.Report) { r.Answers.Labels = verify.Predictions{1} }, []string{"consistency"}},
		"called classes":        {func(r *verify.Report) { r.Task = "" }, []string{"report"}},
		"other bundle's values": {func(r *verify.Report) { grow(r, 0.5, 1); r.BundleSHA256 = hash("b") }, []string{"predictions"}},
	} {
		r := clone(t, regression(n))
		c.change(r)
		result := Check(r, base, Options{})
		if got := result.Failed(); !slices.Equal(got, c.failed) {
			t.Errorf("%s: failed %v, want %v", name, got, c.failed)
		}
		for _, f := range result.Findings {
			if strings.Contains(f.Why, "image") {
				t.Errorf("%s: %s speaks of images: %s", name, f.Name, f.Why)
			}
		}
	}
	if got := Changes(nil, base, "tiny"); len(got) != 1 || !strings.HasPrefix(got[0], "new entry: 100 molecules of dots, integer RMSE 0.") {
		t.Errorf("a new entry: %q", got)
	}
	better := regression(n)
	grow(better, 0.5, 1)
	if got := strings.Join(Changes(base, mustUpdate(t, base, better), "tiny"), "\n"); !strings.Contains(got, "rmse.integer: 0.2497 -> 0.1248") {
		t.Errorf("changes:\n%s", got)
	}
	classes := mustUpdate(t, nil, testReport(n))
	if got := Check(regression(n), classes, Options{}).Failed(); !slices.Equal(got, []string{"task"}) {
		t.Errorf("numbers for an entry of classes: failed %v", got)
	}
	// Part of the molecules are compared with the first of the baseline's.
	part := regression(n)
	v := part.Answers.Values
	for _, list := range []*verify.Numbers{&v.Targets, &v.Float, &v.Quantized, &v.Integer, &v.Encrypted} {
		*list = (*list)[:20]
	}
	part.Images, part.Metric = 10, part.Answers.Metrics(part.Asked())
	if result := Check(part, base, Options{AllowSample: true}); !result.Passed {
		t.Errorf("a sample: failed %v", result.Failed())
	}
	if got := Check(part, base, Options{}).Failed(); !slices.Contains(got, "images") {
		t.Errorf("a part: failed %v", got)
	}
}

// Entries of regressions are read strictly.
func TestRegressionEntries(t *testing.T) {
	for want, change := range map[string]func(*Entry){
		`task "ranking" is unknown`:                                   func(e *Entry) { e.Task = "ranking" },
		`noun "pixel" is unknown`:                                     func(e *Entry) { e.Noun = "pixel" },
		`metric "f1" is unknown`:                                      func(e *Entry) { e.Metric["f1"] = verify.Accuracy{} },
		"metric.r2.integer: r2 2 is outside":                          func(e *Entry) { e.Metric["r2"] = verify.Accuracy{Integer: pointer(2.0)} },
		"predictions.values gives metric.rmse.float":                  func(e *Entry) { e.Predictions.Values.Float[0]++ },
		"predictions.values.integer has 199 values for 100 molecules": func(e *Entry) { v := e.Predictions.Values; v.Integer = v.Integer[1:] },
		"predictions.values: a regression has none":                   func(e *Entry) { e.Predictions.Values = nil },
		"max_auc_loss 2 is outside 0..1":                              func(e *Entry) { e.Budgets.MaxAUCLoss = pointer(2.0) },
	} {
		b := mustUpdate(t, nil, clone(t, regression(100)))
		change(&b.Recipes[0])
		raw, err := b.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := DecodeBaseline(raw); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
