package recipe

import (
	"slices"

	"qtool/model"
)

// condition is what a recipe must be for a key to have an effect.
type condition struct {
	what string
	met  func(*Recipe) bool
	is   func(*Recipe) string // what the recipe is instead
}

// The conditions.
var (
	images = &condition{
		"networks of images", func(r *Recipe) bool { return !r.ReadsWords() }, func(*Recipe) string { return "reads sentences" },
	}
	sentences = &condition{
		"networks that read sentences", func(r *Recipe) bool { return r.ReadsWords() }, func(*Recipe) string { return "reads images" },
	}
	quantized = method("qat", "ptq")
	rounded   = method("ptq")
	trained   = method("qat")
	// withTables is of networks that read words alone; of images package calibrate says what has
	// an effect.
	withTables = &condition{
		"a sentence network with tables", func(r *Recipe) bool { return !r.ReadsWords() || r.reads().Tables() }, kindOf,
	}
	cells       = layered("an lstm with sigmoids and hyperbolic tangents (no gates)", func(l model.Layer) bool { return l.Type == model.LSTM && l.TableCell() })
	polynomials = layered("a recurrent layer with polynomial gates", func(l model.Layer) bool { return l.Gates != nil })
)

// layered is the condition that some layer of the network is of that kind.
func layered(what string, is func(model.Layer) bool) *condition {
	return &condition{what, func(r *Recipe) bool { return slices.ContainsFunc(r.reads().Layers, is) }, kindOf}
}

// kindOf says in which numbers the network computes.
func kindOf(r *Recipe) string {
	n := r.reads()
	switch {
	case n.Tables():
		return "one of tables"
	case slices.ContainsFunc(n.Layers, func(l model.Layer) bool { return l.Gates != nil }):
		return "one of polynomial gates"
	case n.ReadsWords():
		return "a linear one"
	}
	return "none"
}

// usedBy says of every key what must hold for it to have an effect; of an optional
// section, of the whole section. A key of the schema that stands not here fails a
// test. Keys whose use depends on more than that are checked where they are used:
// by packages model, calibrate, ptq and train.
var usedBy = map[string][]*condition{
	"name": nil, "about": nil, "reproduces": nil, "seed": nil,
	"data.name": nil, "data.validation": nil, "data.images": nil,
	"network.input": nil, "network.layers": nil,
	"data.text": {sentences}, "data.text.selection.kind": {sentences}, "data.text.selection.steps": {sentences}, "data.text.selection.words": {sentences},
	"data.text.vectors": {sentences}, "data.text.polarity": {sentences}, "data.text.least_count": {sentences},
	"train.average": nil, "train.word_rate": {sentences}, "train.keep_words": {sentences},
	"quantize.finetune.average": {trained}, "quantize.finetune.word_rate": {trained, sentences}, "quantize.finetune.keep_words": {trained, sentences},
	"quantize.cell_range": {quantized, cells}, "quantize.fraction": {quantized, polynomials},
	"teacher": nil, "encoder": {images},

	"sentence":      nil,
	"sentence.cell": nil, "sentence.embedding": nil, "sentence.inputs": nil, "sentence.hidden": nil, "sentence.mask": nil, "sentence.gates": nil,
	"sentence.selection.kind": nil, "sentence.selection.steps": nil, "sentence.selection.words": nil,
	"sentence.vectors": nil, "sentence.polarity": nil, "sentence.least_count": nil,
	"sentence.dropout": nil, "sentence.word_dropout": nil, "sentence.word_rate": nil, "sentence.average": nil,
	"sentence.cell_range": {quantized, cells}, "sentence.fraction": {quantized, polynomials}, "sentence.keep_words": {trained},

	"train.epochs": nil, "train.batch": nil, "train.learning_rate": nil, "train.schedule": nil, "train.warmup": nil, "train.clip": nil,
	"train.patience": nil, "train.weight_decay": {images}, "train.freeze_scales": {images}, "train.start_quantization": {images},
	"train.teacher": nil, "train.overflow_penalty": {images},
	"train.augment.rotation": {images}, "train.augment.scale": {images}, "train.augment.shear": {images}, "train.augment.shift": {images}, "train.augment.elastic": {images},

	"quantize.method":       nil,
	"quantize.weights.bits": {quantized}, "quantize.weights.observer": {quantized}, "quantize.weights.per_channel": {quantized, images},
	"quantize.input.bits": {quantized}, "quantize.input.observer": {quantized, images}, "quantize.input.percentile": {quantized, images},
	"quantize.input.bins":       {quantized, images},
	"quantize.activations.bits": {quantized, withTables}, "quantize.activations.observer": {quantized, images}, "quantize.activations.percentile": {quantized, images},
	"quantize.activations.bins": {quantized, images}, "quantize.activations.symmetric": {quantized, images},
	"quantize.accumulator.bits": {quantized, withTables}, "quantize.accumulator.shift": {quantized, images},
	"quantize.layers": {quantized}, "quantize.images": {quantized},
	"quantize.learn.weights": {trained, images}, "quantize.learn.input": {trained, images}, "quantize.learn.activations": {trained, images},
	"quantize.ptq.equalize": {rounded, images}, "quantize.ptq.learned_rounding": {rounded, images}, "quantize.ptq.bias_correction": {rounded, images},
	"quantize.finetune.epochs": {trained}, "quantize.finetune.batch": {trained}, "quantize.finetune.learning_rate": {trained},
	"quantize.finetune.schedule": {trained}, "quantize.finetune.warmup": {trained}, "quantize.finetune.clip": {trained}, "quantize.finetune.patience": {trained},
	"quantize.finetune.teacher": {trained}, "quantize.finetune.weight_decay": {trained, images}, "quantize.finetune.freeze_scales": {trained},
	"quantize.finetune.start_quantization": {trained, images}, "quantize.finetune.overflow_penalty": {trained, images},
	"quantize.finetune.augment.rotation": {trained, images}, "quantize.finetune.augment.scale": {trained, images},
	"quantize.finetune.augment.shear": {trained, images}, "quantize.finetune.augment.shift": {trained, images}, "quantize.finetune.augment.elastic": {trained, images},

	"verify.backend": nil, "verify.limit": nil, "verify.log_n": {quantized}, "verify.encrypted_limit": nil, "verify.precision": {quantized}, "verify.memory": {quantized},
}
