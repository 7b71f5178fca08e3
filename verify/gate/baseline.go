package gate

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"qtool/bundle"
	"qtool/internal/whole"
	"qtool/task"
	"qtool/verify"
)

// Schema is the version of the baseline file.
const Schema = 1

// Baseline is the committed file: what each recipe reached when somebody last
// looked, and what it may cost.
type Baseline struct {
	Schema  int     `json:"schema"`
	Recipes []Entry `json:"recipes"` // by name, ascending
}

// Entry is one recipe's part of a Baseline. Accuracy.Float, Accuracy.Quantized
// and Predictions.Float are nil where the report that made the entry had no such
// stage.
type Entry struct {
	Recipe              string          `json:"recipe"`
	Dataset             string          `json:"dataset"`
	DatasetSHA256       string          `json:"dataset_sha256"`
	Images              int             `json:"images"`
	Noun                string          `json:"noun,omitempty"` // of one of them, "" for images
	Task                task.Kind       `json:"task,omitempty"` // "" for a classification
	Accuracy            verify.Accuracy `json:"accuracy"`
	Metric              verify.Metrics  `json:"metric,omitempty"` // beside accuracy
	Bundle              Mode            `json:"bundle"`
	BundleSHA256        string          `json:"bundle_sha256"`
	IntegerLogitsSHA256 string          `json:"integer_logits_sha256"`
	BundleBytes         int64           `json:"bundle_bytes"`
	Test                Test            `json:"test"`
	Budgets             Budgets         `json:"budgets"`
	Layers              []Layer         `json:"layers"`
	Predictions         Predictions     `json:"predictions"`
}

// Mode says whether the bundle may change without the baseline being updated.
type Mode string

// Exact fails a bundle with another hash. Free lets any bundle pass that keeps
// accuracy and budgets: for machines whose training differs in the last bit.
const (
	Exact Mode = "exact"
	Free  Mode = "free"
)

// Budgets are limits that no report may pass; nil is no limit, and the gate says
// so. MaxCiphertextBytes is of one full batch, in and out. MaxSlowdown is
// encrypted seconds over the integer reference's on the same images and machine;
// it is information until EnforceSlowdown. MaxFlipsIntegerEncrypted and
// MinPrecisionBits are about approximate back ends; without the first no answer
// may flip. MaxAUCLoss is how much the AUC of two classes may fall on any stage.
type Budgets struct {
	MaxFlipsFloatInteger     *int64   `json:"max_flips_float_integer"`
	MaxFlipsQuantizedInteger *int64   `json:"max_flips_quantized_integer"`
	MaxFlipsIntegerEncrypted *int64   `json:"max_flips_integer_encrypted,omitempty"`
	MinPrecisionBits         *float64 `json:"min_precision_bits,omitempty"`
	MaxAUCLoss               *float64 `json:"max_auc_loss,omitempty"`
	MinNoiseBitsLeft         *float64 `json:"min_noise_bits_left"`
	MinSecurityBits          *int64   `json:"min_security_bits"`
	MaxBundleBytes           *int64   `json:"max_bundle_bytes"`
	MaxKeyBytes              *int64   `json:"max_key_bytes"`
	MaxCiphertextBytes       *int64   `json:"max_ciphertext_bytes"`
	MaxSlowdown              *float64 `json:"max_slowdown"`
	EnforceSlowdown          bool     `json:"enforce_slowdown"`
}

// Layer is the static bound of one operation.
type Layer struct {
	Name  string       `json:"name"`
	Op    bundle.Kind  `json:"op"`
	Range bundle.Range `json:"range"`
}

// Predictions are the answers that a report's are paired with. Encrypted is nil
// where those are the integer ones: always but where an approximate back end
// flipped some.
type Predictions struct {
	Labels    verify.Predictions `json:"labels"`
	Float     verify.Predictions `json:"float"`
	Integer   verify.Predictions `json:"integer"`
	Encrypted verify.Predictions `json:"encrypted,omitempty"`
	// Values are the outputs of a regression; nil for a classification, which has answers.
	Values *verify.Values `json:"values,omitempty"`
}

// encrypted are the encrypted answers.
func (p *Predictions) encrypted() verify.Predictions {
	if p.Encrypted != nil {
		return p.Encrypted
	}
	return p.Integer
}

// Entry is the recipe's part, nil if there is none.
func (b *Baseline) Entry(recipe string) *Entry {
	for i := range b.Recipes {
		if b.Recipes[i].Recipe == recipe {
			return &b.Recipes[i]
		}
	}
	return nil
}

// names are the recipes that the baseline knows, for messages.
func (b *Baseline) names() string {
	var names []string
	for _, e := range b.Recipes {
		names = append(names, e.Recipe)
	}
	if names == nil {
		return "none"
	}
	return strings.Join(names, ", ")
}

// with is a copy of b in which e stands for its recipe. b may be nil.
func (b *Baseline) with(e Entry) *Baseline {
	out := &Baseline{Schema: Schema, Recipes: []Entry{e}}
	if b != nil {
		for _, other := range b.Recipes {
			if other.Recipe != e.Recipe {
				out.Recipes = append(out.Recipes, other)
			}
		}
	}
	slices.SortFunc(out.Recipes, byName)
	return out
}

func byName(a, b Entry) int { return strings.Compare(a.Recipe, b.Recipe) }

// A range goes on one line. JSON strings hold no newline, so that the pattern
// matches pairs of integers only.
var pair = regexp.MustCompile(`\[\n\s*(-?[0-9]+),\n\s*(-?[0-9]+)\n\s*\]`)

// Encode is the file's bytes: indented, recipes in order of their names, a layer
// range and 100 predictions a line, so that diffs can be reviewed.
func (b *Baseline) Encode() ([]byte, error) {
	sorted := Baseline{Schema: b.Schema, Recipes: slices.SortedFunc(slices.Values(b.Recipes), byName)}
	if sorted.Recipes == nil {
		sorted.Recipes = []Entry{}
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(sorted); err != nil {
		return nil, fmt.Errorf("gate: baseline: %w", err)
	}
	return pair.ReplaceAll(out.Bytes(), []byte("[$1, $2]")), nil
}

// WriteFile writes the file; it appears only when complete.
func (b *Baseline) WriteFile(path string) error {
	encoded, err := b.Encode()
	if err != nil {
		return err
	}
	return whole.WriteFile(path, encoded)
}
