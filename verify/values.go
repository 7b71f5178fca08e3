package verify

import (
	"fmt"

	"qtool/he"
	"qtool/task"
)

// Values are real outputs of every stage, Outputs of them a sample, one sample after the
// other: of two classes the score of a sample, the logit of label 1 less the one of label
// 0, and of a regression the numbers that are answered, for which Targets are right. They
// are float32. A stage that was not run has none.
type Values struct {
	Outputs   int     `json:"outputs"`
	Targets   Numbers `json:"targets,omitempty"`
	Float     Numbers `json:"float"`
	Quantized Numbers `json:"quantized"`
	Integer   Numbers `json:"integer"`
	Encrypted Numbers `json:"encrypted"`
}

// StageAnswers is what one network, a stage of the ladder, answers to
// samples: labels, and values where the task has any.
type StageAnswers struct {
	Answers Predictions
	Values  Numbers
}

// Metrics are a task's metrics beside accuracy, by name, of each stage; see package task.
type Metrics map[string]Accuracy

// Metrics are the metrics beside accuracy that follow from the answers to a task,
// none where accuracy is the only one.
// A metric that the answers do not have, as the AUC of samples of one class, is nil.
func (a *Answers) Metrics(t task.Task) Metrics {
	v := a.Values
	if v == nil || v.Outputs < 1 {
		return nil
	}
	all := Metrics{}
	for _, stage := range []struct {
		values Numbers
		put    func(*Accuracy, *float64)
	}{
		{v.Float, func(a *Accuracy, x *float64) { a.Float = x }}, {v.Quantized, func(a *Accuracy, x *float64) { a.Quantized = x }},
		{v.Integer, func(a *Accuracy, x *float64) { a.Integer = x }}, {v.Encrypted, func(a *Accuracy, x *float64) { a.Encrypted = x }},
		{v.onEncrypted(), func(a *Accuracy, x *float64) { a.IntegerOnEncrypted = x }},
	} {
		for name, x := range a.judge(t, stage.values) {
			row := all[name]
			stage.put(&row, &x)
			all[name] = row
		}
	}
	return all
}

// onEncrypted are the integer stage's values of the samples that were encrypted, where
// these are fewer.
func (v *Values) onEncrypted() Numbers {
	if n := len(v.Encrypted); n > 0 && n < len(v.Integer) {
		return v.Integer[:n]
	}
	return nil
}

// judge are the metrics of one stage's values, which may be fewer than the samples.
func (a *Answers) judge(t task.Task, values Numbers) map[string]float64 {
	k := a.Values.Outputs
	switch {
	case len(values) == 0 || len(values)%k != 0:
		return nil
	case t.Kind == task.Regression:
		if len(values) > len(a.Values.Targets) {
			return nil
		}
		rmse, mae, r2 := task.RegressionOf(a.Values.Targets[:len(values)], values, k)
		return map[string]float64{task.RMSE.Name: rmse, task.MAE.Name: mae, task.R2.Name: r2}
	case t.Scored() && k == 1 && len(values) <= len(a.Labels):
		if auc, err := task.AUCOf(a.Labels[:len(values)], values); err == nil {
			return map[string]float64{task.AUC.Name: auc}
		}
	}
	return nil
}

// Len is the number of samples of the answers.
func (a *Answers) Len() int {
	if v := a.Values; v != nil && len(v.Targets) > 0 && v.Outputs > 0 {
		return len(v.Targets) / v.Outputs
	}
	return len(a.Labels)
}

// Stage is the named stage's value, nil where it has none.
func (a Accuracy) Stage(name string) *float64 {
	switch name {
	case "float":
		return a.Float
	case "quantized":
		return a.Quantized
	case "integer":
		return a.Integer
	case "encrypted":
		return a.Encrypted
	case "integer_on_encrypted":
		return a.IntegerOnEncrypted
	}
	return nil
}

// StageNames are the stages of a ladder in their order.
var StageNames = []string{"float", "quantized", "integer", "encrypted"}

// values are the real values by which the ladder's task is judged, nil where it has none.
func (l *Ladder) values() *Values {
	k := 1
	if l.Task.Kind == task.Regression {
		k = l.Task.Outputs
	} else if !l.Task.Scored() {
		return nil
	}
	v := &Values{Outputs: k, Targets: l.Targets, Float: l.FloatValues, Quantized: l.QuantizedValues}
	if l.Integer != nil {
		v.Integer = l.realsOf(he.Exact(l.Integer))
	}
	if l.Encrypted != nil {
		v.Encrypted = l.realsOf(l.Encrypted)
	}
	return v
}

// realsOf are the values of an executor's answers.
func (l *Ladder) realsOf(a he.Answers) Numbers {
	all := Numbers{}
	for i := range a.Len() {
		outputs := a.Outputs(l.Output, i)
		if l.Task.Scored() {
			all = append(all, Score(outputs))
			continue
		}
		for _, x := range outputs {
			all = append(all, float32(x))
		}
	}
	return all
}

// Score is a sample's score for its second class, from its two logits; see Values.
func Score(logits []float64) float32 { return float32(logits[1] - logits[0]) }

// Numbers are float32, whose JSON form has ten a string, separated by spaces, in the
// fewest digits that give the same float32 back.
type Numbers []float32

const numbersPerLine = 10

// MarshalJSON implements json.Marshaler. A number that is not finite is an error.
func (n Numbers) MarshalJSON() ([]byte, error) {
	if n == nil {
		return []byte("null"), nil
	}
	if err := n.finite(); err != nil {
		return nil, err
	}
	return numberLines(n, numbersPerLine, -1)
}

// UnmarshalJSON implements json.Unmarshaler. The JSON null gives nil, and a number that
// is not finite is an error.
func (n *Numbers) UnmarshalJSON(b []byte) error {
	list, err := readNumberLines(b, "value")
	if err == nil {
		err = Numbers(list).finite()
	}
	if err != nil {
		return err
	}
	*n = list
	return nil
}

// finite returns an error that names the first number that is not finite, by its place.
func (n Numbers) finite() error {
	for i, x := range n {
		if x-x != 0 {
			return fmt.Errorf("verify: value %d is %v, which is not finite", i, x)
		}
	}
	return nil
}
