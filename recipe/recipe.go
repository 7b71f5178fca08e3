// Package recipe reads recipes: the YAML files that say everything about a run,
// from the dataset to the encrypted check.
package recipe

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"qtool/calibrate"
	"qtool/configs"
	"qtool/internal/plaintext"
	"qtool/internal/whole"
	"qtool/model"
	"qtool/ptq"
	"qtool/recipe/document"
	"qtool/train"
)

// Recipe is a resolved recipe: every default filled in.
type Recipe struct {
	Name       string `yaml:"name"`
	About      string `yaml:"about"`
	Reproduces string `yaml:"reproduces"` // the system it is compared with
	Seed       uint64 `yaml:"seed"`
	Data       Data   `yaml:"data"`
	// Encoder is what becomes of an image in the clear. It is left out where images are
	// bytes divided by 255, so that recipes without it keep their hashes.
	Encoder *Encoder      `yaml:"encoder,omitempty"`
	Network model.Network `yaml:"network"`
	// Sentence is a short form of networks that read words; nil where there is none.
	Sentence *Sentence `yaml:"sentence,omitempty"`
	// Teacher is a network that is trained first, for others to learn from.
	Teacher  *Teacher     `yaml:"teacher,omitempty"`
	Train    train.Config `yaml:"train"`
	Quantize Quantize     `yaml:"quantize"`
	Verify   Verify       `yaml:"verify"`
	// Dir is the folder of the file that the recipe was read from, which the paths
	// in it are relative to; "" for an embedded one, whose paths are relative to the
	// working folder.
	Dir string `yaml:"-"`
}

// Data names the dataset and how its training images are used.
type Data struct {
	Name string `yaml:"name"`
	// Validation is how many training images are held out to score epochs.
	Validation int `yaml:"validation"`
	// Images is how many training samples are drawn; 0 uses all.
	Images int `yaml:"images"`
	// Text is what the client makes of sentences; nil for images.
	Text *Text `yaml:"text,omitempty"`
}

// Teacher is a float network on the same images, and its training. Nothing of it
// is left in the bundle, so its layers are free.
type Teacher struct {
	Layers []model.Layer `yaml:"layers"`
	Train  train.Config  `yaml:"train"`
}

// Quantize says how the network is quantized.
type Quantize struct {
	// Method is "qat" (fine-tuned with fake quantization), "ptq" (not
	// trained further) or "none" (float only).
	Method           string `yaml:"method"`
	calibrate.Config `yaml:",inline"`
	// PTQ is what "ptq" does beyond rounding to nearest.
	PTQ ptq.Options `yaml:"ptq"`
	// Finetune is the quantization-aware training.
	Finetune train.Config `yaml:"finetune"`
}

// Backends are the names that a back end goes by; none leaves encryption out, the
// clear stages alone.
var Backends = []string{"auto", "bgv", "pbs", "packed-ckks", "packed-bgv", "none"}

// Verify says how the bundle is checked.
type Verify struct {
	Backend string `yaml:"backend"` // one of Backends
	Limit   int    `yaml:"limit"`   // images; 0 is the whole test set
	LogN    int    `yaml:"log_n"`   // ring degree 2^LogN; 0 chooses it
	// EncryptedLimit is how many of them are encrypted, the first; 0 is all. It is
	// left out where it is 0, as Precision is.
	EncryptedLimit int `yaml:"encrypted_limit,omitempty"`
	// Precision is the bits that outputs of packed-ckks must have; 0 is its
	// default. It is left out where it is 0, so that recipes without it keep their
	// hashes.
	Precision float64 `yaml:"precision,omitempty"`
	// Memory is the GiB that the ciphertexts of a batch may take at once, bgv; 0 is its
	// default. It is left out where it is 0, as Precision is.
	Memory float64 `yaml:"memory,omitempty"`
}

func defaults() Recipe {
	t := train.Config{Epochs: 1, Batch: 100, LearningRate: 0.001, Schedule: "cosine"}
	return Recipe{
		Seed: 1, Train: t,
		Quantize: Quantize{
			Method: "qat", Finetune: t,
			Config: calibrate.Config{
				Weights: calibrate.WeightConfig{Bits: 4, Kind: "minmax"},
				Input:   calibrate.InputConfig{Bits: 4, Observer: "minmax"},
				Images:  1000,
			},
		},
		Verify: Verify{Backend: "auto"},
	}
}

// Load reads the recipe called name, embedded or a path to a file, and applies
// overrides of the form "key.path=value". The error names the line or the key.
func Load(name string, overrides []string) (*Recipe, error) {
	b, file, err := source(name)
	if err != nil {
		return nil, err
	}
	dir := ""
	if file {
		dir = filepath.Dir(name)
	}
	r, err := load(b, dir, overrides)
	if err != nil {
		return nil, fmt.Errorf("recipe %s: %w", name, err)
	}
	return r, nil
}

// load reads a recipe and applies overrides, which may mend what is wrong in it.
// What stays wrong is told with its place in the text.
func load(b []byte, dir string, overrides []string) (*Recipe, error) {
	r, err := Parse(b)
	if err == nil {
		r.Dir = dir
	}
	if len(overrides) == 0 {
		return r, err
	}
	if err != nil {
		if r = unchecked(b); r == nil {
			return nil, err
		}
		r.Dir = dir
	}
	changed, mended := override(r, overrides)
	switch {
	case mended == nil:
		return changed.typed(r), nil
	case err != nil && strings.HasSuffix(mended.Error(), placeless(err)):
		return nil, err
	}
	return nil, mended
}

// unchecked is a recipe whose values have their types and were not looked at; nil
// where some have not.
func unchecked(b []byte) *Recipe {
	r := defaults()
	if tree, err := readTree(b); err != nil || tree.Decode(&r) != nil {
		return nil
	}
	return &r
}

// placeless is an error without the place in front of it.
func placeless(err error) string {
	text := err.Error()
	if _, rest, ok := strings.Cut(text, "] "); ok && strings.HasPrefix(text, "[") {
		return rest
	}
	return text
}

// source is the text of a recipe, and whether it is a file's.
func source(name string) (b []byte, file bool, err error) {
	if !strings.ContainsRune(name, filepath.Separator) && !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".yml") {
		b, err := configs.Files.ReadFile(name + ".yaml")
		if err != nil {
			return nil, false, fmt.Errorf("recipe %q is not known: want one of %s, or a path ending in .yaml: %w", name, strings.Join(Names(), ", "), os.ErrNotExist)
		}
		return b, false, nil
	}
	if b, err = whole.Bytes(name, MaxBytes); err != nil {
		return nil, false, fmt.Errorf("recipe: %w", err)
	}
	return b, true, nil
}

// Names lists the embedded recipes.
func Names() []string {
	entries, err := configs.Files.ReadDir(".")
	if err != nil {
		panic(err) // an embedded folder can be read
	}
	var names []string
	for _, e := range entries {
		if n, ok := strings.CutSuffix(e.Name(), ".yaml"); ok {
			names = append(names, n)
		}
	}
	return names
}

// Parse reads a recipe strictly: an unknown key, a value of the wrong type and a
// key that would have no effect are errors with the key's path, line and column.
func Parse(b []byte) (*Recipe, error) {
	tree, err := readTree(b)
	if err != nil {
		return nil, err
	}
	return resolve(tree)
}

// readTree reads a document within a recipe's limits.
func readTree(b []byte) (*document.Node, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("%d bytes pass the limit of %d", len(b), MaxBytes)
	}
	b, err := plaintext.UTF8(b)
	if err != nil {
		return nil, err
	}
	if err := bounded(b); err != nil {
		return nil, err
	}
	return document.Parse(b)
}

// resolve makes a recipe of a document. Errors of values that are known in the
// document get its line and column.
func resolve(tree *document.Node) (*Recipe, error) {
	r := defaults()
	if err := tree.Decode(&r); err != nil {
		return nil, err
	}
	if len(r.Quantize.Layers) == 0 {
		r.Quantize.Layers = nil // as where it is left out
	}
	err := r.expand()
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		if place := tree.Locate(err.Error()); place != "" {
			return nil, fmt.Errorf("%s%w", place, err)
		}
		return nil, err
	}
	return &r, nil
}

// Validate checks every value; the error names the key, the value and the
// limit.
func (r *Recipe) Validate() error {
	if r.Name == "" {
		return fmt.Errorf("name: it is empty")
	}
	if strings.ContainsAny(r.Name, "/\\ \n") {
		return fmt.Errorf("name: %q has a separator or a space", r.Name)
	}
	if r.Data.Name == "" {
		return fmt.Errorf("data.name: it is empty")
	}
	if r.Data.Validation < 0 || r.Data.Images < 0 {
		key, n := "validation", r.Data.Validation
		if n >= 0 {
			key, n = "images", r.Data.Images
		}
		return fmt.Errorf("data.%s: %d is negative", key, n)
	}
	words := r.ReadsWords()
	if words {
		if err := r.validateWords(); err != nil {
			return err
		}
	}
	n, err := r.Build()
	if err != nil {
		return err
	}
	if !words {
		if _, err := r.Pixels(); err != nil {
			return err
		}
	}
	if err := r.checkMethod(); err != nil {
		return err
	}
	if err := r.checkPolynomials(n); err != nil {
		return err
	}
	if r.Train.FreezeScales != 0 {
		return fmt.Errorf("train.freeze_scales: float training has no scales; set it in quantize.finetune")
	}
	if r.Train.StartQuantization != 0 {
		return fmt.Errorf("train.start_quantization: float training quantizes nothing; set it in quantize.finetune")
	}
	if err := r.Train.Validate(); err != nil {
		return fmt.Errorf("train.%w", err)
	}
	if err := r.checkNormBatches(n); err != nil {
		return err
	}
	if t := r.Train.Teacher; t != nil && t.Checkpoint == train.OwnFloat {
		return fmt.Errorf("train.teacher.checkpoint: float is the network being trained: want teacher, or the path of another")
	}
	if err := r.checkTeacher(n); err != nil {
		return err
	}
	if !words && r.Data.Validation == 0 && (r.Train.Patience > 0 || r.Quantize.Finetune.Patience > 0) {
		key := "train"
		if r.Train.Patience == 0 {
			key = "quantize.finetune"
		}
		return fmt.Errorf("%s.patience: patience needs a validation split: set data.validation", key)
	}
	if r.Quantize.Method != "none" {
		if err := r.Quantize.Config.Validate(); err != nil {
			return fmt.Errorf("quantize.%w", err)
		}
		if err := r.Quantize.CheckNetwork(n); err != nil {
			return fmt.Errorf("quantize.%w (or set quantize.method to none to train it in float)", err)
		}
	}
	switch r.Quantize.Method {
	case "ptq":
		if err := r.Quantize.PTQ.Check(n, r.Quantize.Config); err != nil {
			return fmt.Errorf("quantize.ptq.%w", err)
		}
	case "qat":
		if err := r.Quantize.Finetune.Validate(); err != nil {
			return fmt.Errorf("quantize.finetune.%w", err)
		}
	}
	return r.validateVerify()
}

// checkMethod refuses an unknown method, and keys that have no effect with it.
func (r *Recipe) checkMethod() error {
	if m := r.Quantize.Method; m != "qat" && m != "ptq" && m != "none" {
		return fmt.Errorf("quantize.method: %q is unknown: want qat, ptq or none", m)
	}
	return r.checkUsed()
}

func (r *Recipe) validateVerify() error {
	if b := r.Verify.Backend; !slices.Contains(Backends, b) {
		return fmt.Errorf("verify.backend: %q is unknown: want one of %s", b, strings.Join(Backends, ", "))
	}
	if r.Verify.Limit < 0 || r.Verify.Limit > math.MaxInt32 {
		return fmt.Errorf("verify.limit: %d is negative", r.Verify.Limit)
	}
	switch n, limit := r.Verify.EncryptedLimit, r.Verify.Limit; {
	case n < 0 || n > math.MaxInt32:
		return fmt.Errorf("verify.encrypted_limit: %d is outside 0..%d (0 is all)", n, math.MaxInt32)
	case limit > 0 && n > limit:
		return fmt.Errorf("verify.encrypted_limit: %d is more than the %d samples of verify.limit", n, limit)
	}
	if n := r.Verify.LogN; n != 0 && (n < 10 || n > 16) {
		return fmt.Errorf("verify.log_n: %d is outside 10..16 (0 chooses it)", n)
	}
	switch b := r.Verify.Precision; {
	case !(b >= 0 && b <= 50):
		return fmt.Errorf("verify.precision: %v is outside 0..50 bits (0 is the default)", b)
	case b > 0 && r.Verify.Backend != "packed-ckks" && r.Verify.Backend != "none":
		return fmt.Errorf("verify.precision: it is for backend packed-ckks, which is %s here (0 leaves it out)", r.Verify.Backend)
	}
	switch m := r.Verify.Memory; {
	case !(m >= 0 && m <= 1<<20):
		return fmt.Errorf("verify.memory: %v is outside 0..%d GiB (0 is the default)", m, 1<<20)
	case m > 0 && !slices.Contains([]string{"auto", "bgv", "none"}, r.Verify.Backend):
		return fmt.Errorf("verify.memory: it is for backend bgv, which is %s here (0 leaves it out)", r.Verify.Backend)
	}
	return nil
}

// CheckImages refuses limits beyond the images of the test set; unit is what they
// are, as in "images".
func (v Verify) CheckImages(test int, unit string) error {
	for _, l := range []struct {
		key string
		n   int
	}{{"limit", v.Limit}, {"encrypted_limit", v.EncryptedLimit}} {
		if l.n > test {
			return fmt.Errorf("verify.%s: %d, there are %d test %s", l.key, l.n, test, unit)
		}
	}
	return nil
}

// Encode is the resolved recipe as YAML, with the section sentence where it was written with
// that. Parse of it gives the recipe back.
func (r *Recipe) Encode() ([]byte, error) {
	b, err := yaml.MarshalWithOptions(r.written(), yaml.CustomMarshaler(quoted))
	if err != nil {
		return nil, fmt.Errorf("recipe: %w", err)
	}
	return b, nil
}

// quoted writes a text as JSON, which is YAML too: plain and block texts of the
// YAML library lose tabs and read ".nan" as a number.
func quoted(s string) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(s)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// SHA256 is the hash of the resolved recipe without its verify section, which
// changes nothing that training makes, and without where its files lie.
func (r *Recipe) SHA256() (string, error) {
	c := r.anywhere()
	c.Verify = Verify{}
	b, err := c.Encode()
	if err != nil {
		return "", err
	}
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:]), nil
}
