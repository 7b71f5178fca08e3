package recipe

import (
	"fmt"
	"slices"

	"qtool/calibrate"
	"qtool/model"
	"qtool/train"
)

// Build is the network that float training begins with: the recipe's, with the
// coefficients of every polynomial that approximates a function on a given
// interval. The same recipe gives the same network. Polynomials whose interval
// is to be measured are the functions themselves until then. How many words an embedding has
// is not known yet.
func (r *Recipe) Build() (*model.Network, error) {
	n, err := calibrate.Polynomials(&r.Network)
	if err == nil && n.ReadsWords() && r.Data.Text != nil {
		n.Input = []int{r.Data.Text.Selection.Steps}
	}
	if err == nil {
		_, err = n.Shapes()
	}
	if err != nil {
		return nil, fmt.Errorf("network: %w", err)
	}
	return n, nil
}

// checkPolynomials refuses settings of polynomials that nothing would use.
func (r *Recipe) checkPolynomials(n *model.Network) error {
	fitted := slices.ContainsFunc(n.Layers, func(l model.Layer) bool { return l.Interval != nil })
	measured := slices.IndexFunc(n.Layers, func(l model.Layer) bool { return l.Percentile != 0 })
	if r.Quantize.Method == "none" && measured >= 0 {
		return fmt.Errorf("network: layer %q: its percentile is measured for quantization, and quantize.method is none", n.Layers[measured].Name)
	}
	for _, k := range []struct {
		name    string
		penalty float64
		used    bool
	}{
		{"train", r.Train.OverflowPenalty, fitted},
		{"quantize.finetune", r.Quantize.Finetune.OverflowPenalty, r.Quantize.Method == "qat" && (fitted || measured >= 0)},
	} {
		if k.penalty > 0 && !k.used {
			return fmt.Errorf("%s.overflow_penalty: %v, but no polynomial that is trained there has an interval", k.name, k.penalty)
		}
	}
	return nil
}

// TeacherNetwork is the teacher's network, for a recipe that has one.
func (r *Recipe) TeacherNetwork() *model.Network {
	n := &model.Network{Input: r.Network.Input, Layers: r.Teacher.Layers}
	if n.ReadsWords() && r.Data.Text != nil {
		n.Input = []int{r.Data.Text.Selection.Steps}
	}
	return n
}

// checkTeacher checks the teacher, and that it is there where it is learned from
// and learned from where it is there. n is the network that learns.
func (r *Recipe) checkTeacher(n *model.Network) error {
	used := ""
	for _, k := range []struct {
		name    string
		teacher *train.TeacherConfig
		used    bool
	}{
		{"train", r.Train.Teacher, true},
		{"quantize.finetune", r.Quantize.Finetune.Teacher, r.Quantize.Method == "qat"},
	} {
		if used == "" && k.used && k.teacher != nil && k.teacher.Checkpoint == train.RecipeTeacher {
			used = k.name
		}
	}
	t := r.Teacher
	switch {
	case t == nil && used != "":
		return fmt.Errorf("%s.teacher.checkpoint: teacher is the recipe's, which has none: add the section teacher", used)
	case t == nil:
		return nil
	case used == "":
		return fmt.Errorf("teacher: nobody learns from it: set train.teacher.checkpoint or quantize.finetune.teacher.checkpoint to teacher")
	}
	network := r.TeacherNetwork()
	if i := slices.IndexFunc(t.Layers, func(l model.Layer) bool { return l.Approximates != "" }); i >= 0 {
		return fmt.Errorf("teacher: layer %q approximates a function: a teacher can have the function itself", t.Layers[i].Name)
	}
	shapes, err := network.Shapes()
	if err != nil {
		return fmt.Errorf("teacher: %w", err)
	}
	own, err := n.Shapes()
	if err != nil {
		return err
	}
	if got, want := shapes[len(shapes)-1][0], own[len(own)-1][0]; got != want {
		return fmt.Errorf("teacher: layer %q has %d logits, the network %d", t.Layers[len(t.Layers)-1].Name, got, want)
	}
	if err := t.Train.Validate(); err != nil {
		return fmt.Errorf("teacher.train.%w", err)
	}
	for _, k := range []struct {
		name string
		set  bool
	}{
		{"teacher", t.Train.Teacher != nil}, {"freeze_scales", t.Train.FreezeScales != 0},
		{"start_quantization", t.Train.StartQuantization != 0}, {"overflow_penalty", t.Train.OverflowPenalty != 0},
	} {
		if k.set {
			return fmt.Errorf("teacher.train.%s: it is not for a teacher", k.name)
		}
	}
	if t.Train.Patience > 0 && r.Data.Validation == 0 && !n.ReadsWords() {
		return fmt.Errorf("teacher.train.patience: patience needs a validation split: set data.validation")
	}
	return nil
}

// checkNormBatches refuses trainings that batch norms cannot normalise. Fine-tuning
// has those alone that a table takes in; the others are folded into weights before.
func (r *Recipe) checkNormBatches(n *model.Network) error {
	if err := train.CheckNormBatch(n, r.Train); err != nil {
		return fmt.Errorf("train.%w", err)
	}
	if t := r.Teacher; t != nil {
		if err := train.CheckNormBatch(r.TeacherNetwork(), t.Train); err != nil {
			return fmt.Errorf("teacher.train.%w", err)
		}
	}
	kept := slices.ContainsFunc(n.Layers, model.Layer.LookupTable)
	if r.Quantize.Method == "qat" && kept {
		if err := train.CheckNormBatch(n, r.Quantize.Finetune); err != nil {
			return fmt.Errorf("quantize.finetune.%w", err)
		}
	}
	return nil
}
