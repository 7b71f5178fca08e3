package train

import (
	"fmt"
	"math"
	"slices"

	"qtool/datasets"
	"qtool/internal/elementary"
	"qtool/model"
)

// Config is how a network is trained; the recipe's `train` section.
type Config struct {
	Epochs int `yaml:"epochs" json:"epochs"`
	// Batch is the number of samples a step.
	Batch int `yaml:"batch" json:"batch"`
	// LearningRate is the peak of the schedule.
	LearningRate float64 `yaml:"learning_rate" json:"learning_rate"`
	// Schedule is "cosine" (to zero at the last step) or "constant".
	Schedule string `yaml:"schedule" json:"schedule"`
	// Warmup is how many epochs the rate takes to rise from zero to its peak.
	Warmup float64 `yaml:"warmup" json:"warmup"`
	// Clip bounds the global gradient norm; 0 leaves it alone.
	Clip float64 `yaml:"clip" json:"clip"`
	// WeightDecay shrinks all parameters but scales, at each step, by the learning
	// rate times it of themselves; 0 is none.
	WeightDecay float64 `yaml:"weight_decay,omitempty" json:"weight_decay,omitempty"`
	// FreezeScales is after how many epochs the learned scales and the weights'
	// observers stand still; 0 is never. It is for quantization-aware training.
	FreezeScales int `yaml:"freeze_scales" json:"freeze_scales"`
	// StartQuantization is after how many epochs fake quantization begins; until
	// then the network is trained on in float. It is for quantization-aware
	// training.
	StartQuantization int `yaml:"start_quantization,omitempty" json:"start_quantization,omitempty"`
	// Teacher is a network whose answers are learned from beside the labels.
	Teacher *TeacherConfig `yaml:"teacher" json:"teacher,omitempty"`
	// Patience stops training after that many epochs without a better
	// validation accuracy and keeps the best epoch's parameters; 0 trains all
	// epochs and keeps the last.
	Patience int              `yaml:"patience" json:"patience"`
	Augment  datasets.Augment `yaml:"augment" json:"augment"`
	// OverflowPenalty adds, for every polynomial layer with an interval, that
	// many times mean(max(z - hi, 0)^2 + max(lo - z, 0)^2) of its inputs z to
	// the loss; 0 is none.
	OverflowPenalty float64 `yaml:"overflow_penalty" json:"overflow_penalty"`
	// Average, if not 0, keeps a moving average of the parameters with that decay, which is
	// what epochs are scored with and what training ends with.
	Average float64 `yaml:"average,omitempty" json:"average,omitempty"`
	// WordRate, if not 0, multiplies the learning rate of the vectors of words; KeepWords
	// leaves these as they are.
	WordRate  float64 `yaml:"word_rate,omitempty" json:"word_rate,omitempty"`
	KeepWords bool    `yaml:"keep_words,omitempty" json:"keep_words,omitempty"`
}

// TeacherConfig says whose answers count, and how much; see op.Distillation.
type TeacherConfig struct {
	// Checkpoint is a path to a float checkpoint, OwnFloat or RecipeTeacher.
	Checkpoint  string  `yaml:"checkpoint" json:"checkpoint"`
	Weight      float64 `yaml:"weight" json:"weight"`
	Temperature float64 `yaml:"temperature" json:"temperature"`
}

// Names that stand for a run's own checkpoints.
const (
	OwnFloat      = "float"   // the float network, in fine-tuning alone
	RecipeTeacher = "teacher" // what the recipe's section of that name trains first
)

func (c *TeacherConfig) validate() error {
	switch {
	case c.Checkpoint == "":
		return fmt.Errorf("teacher.checkpoint: it is empty: want a path, float or teacher")
	case !(c.Weight > 0 && c.Weight <= 1):
		return fmt.Errorf("teacher.weight: %v is outside 0..1 (0 itself excluded)", c.Weight)
	case !(c.Temperature >= 0.1 && c.Temperature <= 100):
		return fmt.Errorf("teacher.temperature: %v is outside 0.1..100", c.Temperature)
	}
	return nil
}

// Validate returns an error that names the key, the value and the limit.
func (c Config) Validate() error {
	for _, k := range []struct {
		name  string
		value float64
		lo    float64
		hi    float64
	}{
		{"epochs", float64(c.Epochs), 1, 10000},
		{"batch", float64(c.Batch), 1, 10000},
		{"learning_rate", c.LearningRate, math.SmallestNonzeroFloat64, 10},
		{"warmup", c.Warmup, 0, float64(c.Epochs)},
		{"clip", c.Clip, 0, 1e9},
		{"weight_decay", c.WeightDecay, 0, 10},
		{"freeze_scales", float64(c.FreezeScales), 0, 10000},
		{"start_quantization", float64(c.StartQuantization), 0, 10000},
		{"patience", float64(c.Patience), 0, 10000},
		{"overflow_penalty", c.OverflowPenalty, 0, 1e6},
		{"average", c.Average, 0, 0.99999},
		{"word_rate", c.WordRate, 0, 100},
	} {
		if !(k.value >= k.lo && k.value <= k.hi) {
			return fmt.Errorf("%s: %v is outside %v..%v", k.name, k.value, k.lo, k.hi)
		}
	}
	if c.FreezeScales >= c.Epochs {
		return fmt.Errorf("freeze_scales: after %d of %d epochs there is none left to freeze scales for: want fewer, or 0 for never", c.FreezeScales, c.Epochs)
	}
	if c.StartQuantization >= c.Epochs {
		return fmt.Errorf("start_quantization: after %d of %d epochs there is none left to quantize: want fewer", c.StartQuantization, c.Epochs)
	}
	if c.FreezeScales > 0 && c.FreezeScales < c.StartQuantization {
		return fmt.Errorf("freeze_scales: %d epochs end before the scales are chosen, after start_quantization %d", c.FreezeScales, c.StartQuantization)
	}
	if c.LearningRate*c.WeightDecay >= 1 {
		return fmt.Errorf("weight_decay: %v times the learning rate %v is not below 1: a step would leave nothing", c.WeightDecay, c.LearningRate)
	}
	if c.KeepWords && c.WordRate != 0 {
		return fmt.Errorf("word_rate: %v, but keep_words leaves the vectors of words as they are", c.WordRate)
	}
	if c.Schedule != "cosine" && c.Schedule != "constant" {
		return fmt.Errorf("schedule: %q is unknown: want cosine or constant", c.Schedule)
	}
	if c.Teacher != nil {
		if err := c.Teacher.validate(); err != nil {
			return err
		}
	}
	if err := c.Augment.Validate(); err != nil {
		return fmt.Errorf("augment: %w", err)
	}
	return nil
}

// CheckNormBatch refuses batches of one image for a network with batch norms, which
// normalise by the deviation within a batch. The error names the key.
func CheckNormBatch(n *model.Network, c Config) error {
	i := slices.IndexFunc(n.Layers, func(l model.Layer) bool { return l.Type == model.BatchNorm })
	if c.Batch > 1 || i < 0 {
		return nil
	}
	return fmt.Errorf("batch: %d: batch norm %q normalises by the deviation within a batch, and one sample has none: want %d or more", c.Batch, n.Layers[i].Name, normBatch)
}

// Rate is the learning rate of a step, counted from 0, of a run of total steps
// with perEpoch of them an epoch.
func (c Config) Rate(step, perEpoch, total int) float64 {
	warm := float64(c.Warmup * float64(perEpoch))
	if s := float64(step + 1); s < warm {
		return c.LearningRate * s / warm
	}
	if c.Schedule == "constant" {
		return c.LearningRate
	}
	done := max(float64(step)-warm, 0) / max(float64(total)-warm, 1)
	return c.LearningRate * 0.5 * (1 + elementary.Cos(math.Pi*done))
}
