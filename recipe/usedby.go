package recipe

// condition is what a recipe must be for a key to have an effect.
type condition struct {
	what string
	met  func(*Recipe) bool
	is   func(*Recipe) string // what the recipe is instead
}

// The conditions.
var (
	images = &condition{
		"networks of images", func(r *Recipe) bool { return r.Sentence == nil }, func(*Recipe) string { return "reads sentences" },
	}
	sentences = &condition{
		"networks that read sentences", func(r *Recipe) bool { return r.Sentence != nil }, func(*Recipe) string { return "reads images" },
	}
	quantized = method("qat", "ptq")
	rounded   = method("ptq")
	trained   = method("qat")
	// tabled and polynomials are of networks that read sentences alone; of images
	// package calibrate says what has an effect.
	tabled      = family("table", "sigmoids and hyperbolic tangents (no gates)")
	polynomials = family("polynomial", "polynomial gates")
)

// family is the condition that a network that reads sentences becomes a program of
// that kind.
func family(name, what string) *condition {
	return &condition{
		what: "a sentence network with " + what,
		met:  func(r *Recipe) bool { return r.Sentence == nil || Family(&r.Sentence.Network) == name },
		is:   func(r *Recipe) string { return "one of the family " + Family(&r.Sentence.Network) },
	}
}

// usedBy says of every key what must hold for it to have an effect; of an optional
// section, of the whole section. A key of the schema that stands not here fails a
// test. Keys whose use depends on more than that are checked where they are used:
// by packages model, calibrate, ptq and train.
var usedBy = map[string][]*condition{
	"name": nil, "about": nil, "reproduces": nil, "seed": nil,
	"data.name": nil, "data.validation": nil, "data.images": nil,
	"network.input": nil, "network.layers": nil,
	"teacher": {images}, "encoder": {images},

	"sentence":      {sentences},
	"sentence.cell": nil, "sentence.embedding": nil, "sentence.inputs": nil, "sentence.hidden": nil, "sentence.mask": nil, "sentence.gates": nil,
	"sentence.selection.kind": nil, "sentence.selection.steps": nil, "sentence.selection.words": nil,
	"sentence.vectors": nil, "sentence.polarity": nil, "sentence.least_count": nil,
	"sentence.dropout": nil, "sentence.word_dropout": nil, "sentence.word_rate": nil, "sentence.average": nil,
	"sentence.cell_range": {quantized, tabled}, "sentence.fraction": {quantized, polynomials}, "sentence.keep_words": {trained},

	"train.epochs": nil, "train.batch": nil, "train.learning_rate": nil, "train.schedule": nil, "train.warmup": nil, "train.clip": nil,
	"train.patience": nil, "train.weight_decay": {images}, "train.freeze_scales": {images}, "train.start_quantization": {images},
	"train.teacher": {images}, "train.overflow_penalty": {images},
	"train.augment.rotation": {images}, "train.augment.scale": {images}, "train.augment.shear": {images}, "train.augment.shift": {images}, "train.augment.elastic": {images},

	"quantize.method":       nil,
	"quantize.weights.bits": {quantized}, "quantize.weights.observer": {quantized}, "quantize.weights.per_channel": {quantized, images},
	"quantize.input.bits": {quantized}, "quantize.input.observer": {quantized, images}, "quantize.input.percentile": {quantized, images},
	"quantize.input.bins":       {quantized, images},
	"quantize.activations.bits": {quantized, tabled}, "quantize.activations.observer": {quantized, images}, "quantize.activations.percentile": {quantized, images},
	"quantize.activations.bins": {quantized, images}, "quantize.activations.symmetric": {quantized, images},
	"quantize.accumulator.bits": {quantized, tabled}, "quantize.accumulator.shift": {quantized, images},
	"quantize.layers": {quantized, images}, "quantize.images": {quantized},
	"quantize.learn.weights": {trained, images}, "quantize.learn.input": {trained, images}, "quantize.learn.activations": {trained, images},
	"quantize.ptq.equalize": {rounded, images}, "quantize.ptq.learned_rounding": {rounded, images}, "quantize.ptq.bias_correction": {rounded, images},
	"quantize.finetune.epochs": {trained}, "quantize.finetune.batch": {trained}, "quantize.finetune.learning_rate": {trained},
	"quantize.finetune.schedule": {trained}, "quantize.finetune.warmup": {trained}, "quantize.finetune.clip": {trained}, "quantize.finetune.patience": {trained},
	"quantize.finetune.teacher": {trained}, "quantize.finetune.weight_decay": {trained, images}, "quantize.finetune.freeze_scales": {trained, images},
	"quantize.finetune.start_quantization": {trained, images}, "quantize.finetune.overflow_penalty": {trained, images},
	"quantize.finetune.augment.rotation": {trained, images}, "quantize.finetune.augment.scale": {trained, images},
	"quantize.finetune.augment.shear": {trained, images}, "quantize.finetune.augment.shift": {trained, images}, "quantize.finetune.augment.elastic": {trained, images},

	"verify.backend": nil, "verify.limit": nil, "verify.log_n": {quantized}, "verify.encrypted_limit": nil, "verify.precision": {quantized}, "verify.memory": {quantized},
}
