package recipe

import (
	"strings"
	"testing"
)

// taught is a recipe whose network learns from one that it trains first.
const taught = `name: taught
data: {name: digits, validation: 10}
network:
  input: [4]
  layers: [{type: dense, name: fc, units: 3}]
teacher:
  layers:
    - {type: dense, name: wide, units: 9}
    - {type: relu, name: relu}
    - {type: dense, name: fc, units: 3}
  train: {epochs: 5, batch: 10, learning_rate: 0.01, schedule: constant, patience: 2}
train: {teacher: {checkpoint: teacher, weight: 1, temperature: 2}}
quantize:
  finetune: {teacher: {checkpoint: float, weight: 0.5, temperature: 4}}
`

func TestTeacher(t *testing.T) {
	r := parse(t, taught)
	if n := r.TeacherNetwork(); len(n.Layers) != 3 || len(n.Input) != 1 || n.Input[0] != 4 {
		t.Errorf("network %+v", n)
	}
	roundTrip(t, r)
	got, err := override(r, []string{"teacher.train.epochs=7", "teacher.layers.wide.units=8", "quantize.finetune.teacher.checkpoint=teacher"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Teacher.Train.Epochs != 7 || got.Teacher.Layers[0].Units != 8 || got.Quantize.Finetune.Teacher.Checkpoint != "teacher" {
		t.Errorf("overridden: %+v", got)
	}
	if b, err := parse(t, minimal).Encode(); err != nil || strings.Contains(string(b), "\nteacher") {
		t.Errorf("a recipe without a teacher speaks of one: %v\n%s", err, b)
	}
	if _, err := override(r, []string{"teacher=null", "train.teacher=null"}); err != nil {
		t.Error(err)
	}
}

func TestTeacherErrors(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"checkpoint: teacher", "checkpoint: other", "teacher: nobody learns from it"},
		{"units: 3}\n  train", "units: 4}\n  train", `teacher: layer "fc" has 4 logits, the network 3`},
		{"name: wide", "name: fc", `teacher: model: layer "fc": name is used twice`},
		{"type: relu", "type: rnn", `type "rnn" is unknown`},
		{"epochs: 5", "epochs: 0", "teacher.train.epochs: 0 is outside 1..10000"},
		{"schedule: constant, ", "", `teacher.train.schedule: "" is unknown`},
		{"batch: 10,", "batch: 10, freeze_scales: 1,", "teacher.train.freeze_scales: it is not for a teacher"},
		{"batch: 10,", "batch: 10, start_quantization: 1,", "teacher.train.start_quantization: it is not for a teacher"},
		{"batch: 10,", "batch: 10, overflow_penalty: 1,", "teacher.train.overflow_penalty: it is not for a teacher"},
		{"batch: 10,", "batch: 10, teacher: {checkpoint: a, weight: 1, temperature: 1},", "teacher.train.teacher: it is not for a teacher"},
		{"validation: 10", "validation: 0", "teacher.train.patience: patience needs a validation split"},
		{"{type: relu, name: relu}", "{type: polynomial, name: relu, approximates: relu, degree: 2, method: minimax, interval: [-1, 1]}", `teacher: layer "relu" approximates a function`},
		{"teacher:\n  layers", "taught:\n  layers", `unknown field "taught"`},
	} {
		if strings.Count(taught, c.from) != 1 {
			t.Fatalf("the recipe has %q %d times", c.from, strings.Count(taught, c.from))
		}
		_, err := Parse([]byte(strings.Replace(taught, c.from, c.to, 1)))
		wantError(t, c.to, err, c.want)
	}
	_, err := Parse([]byte(minimal + "train: {teacher: {checkpoint: teacher, weight: 1, temperature: 2}}\n"))
	wantError(t, "no teacher", err, "train.teacher.checkpoint: teacher is the recipe's, which has none")
}
