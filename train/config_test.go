package train

import (
	"math"
	"strings"
	"testing"

	"qtool/datasets"
)

func TestRate(t *testing.T) {
	c := Config{Epochs: 4, LearningRate: 0.5, Schedule: "cosine", Warmup: 1}
	const perEpoch, total = 10, 40
	for step := range total {
		r := c.Rate(step, perEpoch, total)
		switch {
		case step < 9:
			if want := 0.5 * float64(step+1) / 10; r != want {
				t.Errorf("warmup step %d: rate %v, want %v", step, r, want)
			}
		case step == 9 || step == 10:
			if r != 0.5 {
				t.Errorf("rate %v after the warmup, want the peak", r)
			}
		case step > 10:
			if before := c.Rate(step-1, perEpoch, total); r >= before || r <= 0 {
				t.Errorf("step %d: rate %v after %v", step, r, before)
			}
		}
	}
	// Half way down the cosine, and one step before zero: 0.25 (1-cos(pi/30)).
	if r := c.Rate(25, perEpoch, total); math.Abs(r-0.25) > 1e-15 {
		t.Errorf("half way the rate is %v, want 0.25", r)
	}
	if r, want := c.Rate(39, perEpoch, total), 0.25*(1-math.Cos(math.Pi/30)); math.Abs(r-want) > 1e-15 || r > 0.002 {
		t.Errorf("the last rate is %v, want %v", r, want)
	}
	c.Schedule = "constant"
	if c.Rate(4, perEpoch, total) != 0.25 || c.Rate(10, perEpoch, total) != 0.5 || c.Rate(39, perEpoch, total) != 0.5 {
		t.Error("the constant schedule is not constant after its warmup")
	}
	// A warmup of the whole run ends at the peak.
	c = Config{Epochs: 1, LearningRate: 0.5, Schedule: "cosine", Warmup: 1}
	for _, steps := range []int{1, 10} {
		if r := c.Rate(steps-1, steps, steps); r != 0.5 {
			t.Errorf("the last of %d warmup steps has rate %v", steps, r)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	good := Config{Epochs: 2, Batch: 10, LearningRate: 0.1, Schedule: "cosine"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		change func(*Config)
		want   string
	}{
		{func(c *Config) { c.Epochs = 0 }, "epochs: 0 is outside 1..10000"},
		{func(c *Config) { c.FreezeScales = 2 }, "freeze_scales: after 2 of 2 epochs there is none left"},
		{func(c *Config) { c.StartQuantization = 2 }, "start_quantization: after 2 of 2 epochs there is none left"},
		{func(c *Config) { c.Batch = -1 }, "batch: -1 is outside 1..10000"},
		{func(c *Config) { c.LearningRate = 0 }, "learning_rate: 0 is outside"},
		{func(c *Config) { c.LearningRate = math.NaN() }, "learning_rate: NaN"},
		{func(c *Config) { c.LearningRate = 11 }, "learning_rate: 11"},
		{func(c *Config) { c.Warmup = 2.5 }, "warmup: 2.5 is outside 0..2"},
		{func(c *Config) { c.Clip = -1 }, "clip: -1"},
		{func(c *Config) { c.WeightDecay = -1 }, "weight_decay: -1 is outside 0..10"},
		{func(c *Config) { c.WeightDecay = 10 }, "weight_decay: 10 times the learning rate 0.1 is not below 1"},
		{func(c *Config) { c.Patience = -1 }, "patience: -1"},
		{func(c *Config) { c.OverflowPenalty = -1 }, "overflow_penalty: -1 is outside 0..1e+06"},
		{func(c *Config) { c.OverflowPenalty = math.NaN() }, "overflow_penalty: NaN"},
		{func(c *Config) { c.Schedule = "step" }, `schedule: "step" is unknown: want cosine or constant`},
		{func(c *Config) { c.Augment = datasets.Augment{Rotation: 200} }, "augment: "},
	} {
		config := good
		c.change(&config)
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %q", err, c.want)
		}
	}
}
