package report

import (
	"cmp"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/model"
	"qtool/task"
	"qtool/verify"
)

// Input is what a report is drawn from. Only Report is required: a section whose
// data is nil says that it is missing.
type Input struct {
	Report *verify.Report
	// Training has a history for every stage, in the order they ran.
	Training []Training
	Bundle   *bundle.File
	// Quantized and Float are the checkpoints that Bundle was made of.
	Quantized, Float *model.Checkpoint
	// Test holds the images that were answered, in their order; more may follow.
	Test *datasets.Split
	// Calibration holds the images whose activations are drawn.
	Calibration *datasets.Split
	// Recipe is the text of the recipe as resolved.
	Recipe string
	// Notes say what could not be had, and why; shown below the headline.
	Notes []string
}

// Training is the history of one stage.
type Training struct {
	Stage   string
	Epochs  []Epoch
	Best    int // the epoch whose parameters were kept; 0: not known
	Seconds float64
}

// Epoch is what one pass over the training images measured. Validation is 0
// where no images were held out.
type Epoch struct {
	Epoch                      int
	Loss, Accuracy, Validation float64
}

const encryptedStage = "encrypted"

// ladderStage is one stage of the ladder.
type ladderStage struct {
	Name     string
	Accuracy *float64
	Answers  verify.Predictions
}

func (in *Input) ladderStages() []ladderStage {
	r, a := in.Report, in.Report.Answers
	return []ladderStage{
		{"float", r.Accuracy.Float, a.Float},
		{"quantized", r.Accuracy.Quantized, a.Quantized},
		{"integer", r.Accuracy.Integer, a.Integer},
		{encryptedStage, r.Accuracy.Encrypted, a.Encrypted},
	}
}

// encryptedImages is how many of the images were encrypted, the first of them.
func (in *Input) encryptedImages() int {
	r := in.Report
	return cmp.Or(len(r.Answers.Encrypted), r.Images, in.images())
}

// partly says that fewer images were encrypted than the other stages answered.
func (in *Input) partly() bool {
	return in.judged().Encrypted != nil && in.encryptedImages() < in.images()
}

// imagesOf is how many images a stage answered.
func (in *Input) imagesOf(r ladderStage) int {
	if r.Name == encryptedStage {
		return in.encryptedImages()
	}
	return in.images()
}

// images is how many images were answered, by the stages that are not encrypted.
func (in *Input) images() int {
	switch r := in.Report; {
	case r.Answers.Len() > 0:
		return r.Answers.Len()
	case r.Images > 0:
		return r.Images
	default:
		return r.TestImages
	}
}

// unit is the word for the report's samples, count a number of them.
func (in *Input) unit() task.Noun    { return in.Report.Unit() }
func (in *Input) count(n int) string { return plural(n, in.unit().One, in.unit().Many) }

// metric is the one that decides, judged what each stage has of it.
func (in *Input) metric() task.Metric     { return in.Report.Asked().Metric() }
func (in *Input) judged() verify.Accuracy { return in.Report.Judged(in.metric()) }

// figure is a value of the metric.
func (in *Input) figure(x float64) string {
	if m := in.metric(); m != task.Accuracy {
		return m.Format(x)
	}
	return percent(x)
}

// label is the name of class c.
func (in *Input) label(c int) string {
	if in.Bundle != nil && c < len(in.Bundle.Program.Labels) {
		return in.Bundle.Program.Labels[c]
	}
	return number(c)
}
