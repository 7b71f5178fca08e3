package train

import (
	"fmt"
	"math"

	"qtool/datasets"
)

// Config is how a network is trained; the recipe's `train` section.
type Config struct {
	Epochs int `yaml:"epochs" json:"epochs"`
	// Batch is the number of images a step.
	Batch int `yaml:"batch" json:"batch"`
	// LearningRate is the peak of the schedule.
	LearningRate float64 `yaml:"learning_rate" json:"learning_rate"`
	// Schedule is "cosine" (to zero at the last step) or "constant".
	Schedule string `yaml:"schedule" json:"schedule"`
	// Warmup is how many epochs the rate takes to rise from zero to its peak.
	Warmup float64 `yaml:"warmup" json:"warmup"`
	// Clip bounds the global gradient norm; 0 leaves it alone.
	Clip float64 `yaml:"clip" json:"clip"`
	// Patience stops training after that many epochs without a better
	// validation accuracy and keeps the best epoch's parameters; 0 trains all
	// epochs and keeps the last.
	Patience int              `yaml:"patience" json:"patience"`
	Augment  datasets.Augment `yaml:"augment" json:"augment"`
	// OverflowPenalty adds, for every polynomial layer with an interval, that
	// many times mean(max(z - hi, 0)^2 + max(lo - z, 0)^2) of its inputs z to
	// the loss; 0 is none.
	OverflowPenalty float64 `yaml:"overflow_penalty" json:"overflow_penalty"`
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
		{"patience", float64(c.Patience), 0, 10000},
		{"overflow_penalty", c.OverflowPenalty, 0, 1e6},
	} {
		if !(k.value >= k.lo && k.value <= k.hi) {
			return fmt.Errorf("%s: %v is outside %v..%v", k.name, k.value, k.lo, k.hi)
		}
	}
	if c.Schedule != "cosine" && c.Schedule != "constant" {
		return fmt.Errorf("schedule: %q is unknown: want cosine or constant", c.Schedule)
	}
	if err := c.Augment.Validate(); err != nil {
		return fmt.Errorf("augment: %w", err)
	}
	return nil
}

// rate is the learning rate of a step, counted from 0, of a run of total steps
// with perEpoch of them an epoch.
func (c Config) rate(step, perEpoch, total int) float64 {
	warm := c.Warmup * float64(perEpoch)
	if s := float64(step + 1); s < warm {
		return c.LearningRate * s / warm
	}
	if c.Schedule == "constant" {
		return c.LearningRate
	}
	done := max(float64(step)-warm, 0) / max(float64(total)-warm, 1)
	return c.LearningRate * 0.5 * (1 + math.Cos(math.Pi*done))
}
