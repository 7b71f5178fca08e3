package verify

import (
	"encoding/json"
	"fmt"

	"qtool/bundle"
	"qtool/he"
	"qtool/internal/whole"
	"qtool/quant"
	"qtool/task"
)

// ReportSchema is the version of report.json.
const ReportSchema = 1

// Report is report.json: what a run or a verification measured. Accuracies are
// null where a stage was not run; Images counts the images that were really
// encrypted, evaluated and decrypted (or, where nothing was encrypted, those
// that the other stages saw). The other stages may have answered more: as many as
// Answers has labels.
type Report struct {
	Schema          int               `json:"schema"`
	Recipe          string            `json:"recipe"`
	Seed            uint64            `json:"seed"`
	Dataset         string            `json:"dataset"`
	DatasetSHA256   string            `json:"dataset_sha256"`
	BundleSHA256    string            `json:"bundle_sha256,omitempty"`
	Images          int               `json:"images"`
	Samples         int               `json:"samples,omitempty"` // the same number, under the name for any noun
	Noun            string            `json:"noun,omitempty"`    // what a sample is: "image", "sentence"; see package task
	Task            task.Kind         `json:"task,omitempty"`    // "" is a classification
	TestImages      int               `json:"test_images"`       // in the whole test set
	Accuracy        Accuracy          `json:"accuracy"`
	Metric          Metrics           `json:"metric,omitempty"` // by name, beside accuracy
	LogitMismatches int               `json:"logit_mismatches"`
	FirstMismatch   *Mismatch         `json:"first_mismatch,omitempty"`
	Explained       int               `json:"logit_mismatches_explained,omitempty"` // by wrong entries
	ArgmaxFlips     Flips             `json:"argmax_flips"`
	Precision       *Precision        `json:"precision,omitempty"` // of an approximate back end
	Undecided       *int              `json:"undecided,omitempty"` // near ties of an approximate back end
	Latency         *he.Latency       `json:"latency,omitempty"`   // of a back end of single images
	Lookups         *he.Lookups       `json:"lookups,omitempty"`   // of a back end whose look-ups may fail
	Domains         he.Domains        `json:"domains,omitempty"`   // of a recurrent program with polynomials
	Simulated       *Simulated        `json:"simulated,omitempty"` // in the place of encryption
	Backend         *Backend          `json:"backend"`
	Seconds         Seconds           `json:"seconds"`
	Bytes           Bytes             `json:"bytes"`
	PeakRSSBytes    int64             `json:"peak_rss_bytes"`
	Layers          []Layer           `json:"layers"`
	Versions        map[string]string `json:"versions"`
	// IntegerLogitsSHA256 and Answers let a later gate compare image by image.
	IntegerLogitsSHA256 string  `json:"integer_logits_sha256,omitempty"`
	Answers             Answers `json:"answers"`
}

// Backend is what ran the program under encryption, and what it measured of the noise:
// NoiseBitsLeft is log2 of how often the worst decrypted noise fits below the
// wrap-around, 0 for an approximate back end, which states errors instead.
type Backend struct {
	he.Backend
	NoiseBitsLeft float64 `json:"noise_bits_left"`
}

// Simulated is what a back end is predicted to give, with nothing encrypted. An
// exact one gives the integer program's answers as long as PredictedBits, of noise
// budget left, are not negative. For one whose look-ups may fail the noise is drawn
// instead, and Lookups counts what it did.
type Simulated struct {
	Backend         string      `json:"backend"`
	Accuracy        float64     `json:"accuracy"`
	Images          int         `json:"images"`
	Failures        int         `json:"failures"` // look-ups and logits with a wrong entry
	LogitMismatches int         `json:"logit_mismatches"`
	PredictedBits   float64     `json:"predicted_noise_bits_left"`
	Seconds         float64     `json:"seconds"`
	Lookups         *he.Lookups `json:"lookups,omitempty"`
	Why             []string    `json:"why"`
}

// Seconds are wall-clock times by phase. Those of encryption are of the images
// that were encrypted; Integer is the plain reference's on all it answered.
type Seconds struct {
	Train    float64 `json:"train"`
	Quantize float64 `json:"quantize"`
	Integer  float64 `json:"integer"`
	Keygen   float64 `json:"keygen"`
	Encrypt  float64 `json:"encrypt"`
	Evaluate float64 `json:"evaluate"`
	Decrypt  float64 `json:"decrypt"`
}

// Encrypted is what one pays for the encrypted answers.
func (s Seconds) Encrypted() float64 { return s.Keygen + s.Encrypt + s.Evaluate + s.Decrypt }

// Bytes are sizes: the bundle file, the serialised ciphertexts of one full
// batch, and the evaluation keys that the server is given.
type Bytes struct {
	Bundle        int64 `json:"bundle"`
	CiphertextIn  int64 `json:"ciphertext_in"`
	CiphertextOut int64 `json:"ciphertext_out"`
	Keys          int64 `json:"keys"`
}

// Layer is one operation of the program. Range is its static bound,
// Seen its calibration range; SQNR compares its real values with the float
// network's, in decibels.
type Layer struct {
	Name    string         `json:"name"`
	Op      bundle.Kind    `json:"op"`
	Bits    quant.BitWidth `json:"bits"`
	Range   bundle.Range   `json:"range"`
	Seen    bundle.Range   `json:"seen"`
	SQNR    *float64       `json:"sqnr_db"`
	Seconds float64        `json:"seconds"`
	// Inputs are the layers that it reads, none where that is the one before it.
	Inputs []string `json:"inputs,omitempty"`
	// Float32Exact says that by proof training's float32 arithmetic holds every
	// integer of this layer and of the layers before it, so that nothing may differ;
	// QuantizedMismatches counts the elements, over all images, where the fake-quantized
	// network's integers are not the program's. Both are null where the quantized
	// checkpoint was not at hand.
	Float32Exact        *bool `json:"float32_exact"`
	QuantizedMismatches *int  `json:"drift"`
}

// Layers describes a program's operations; seconds and sqnr may be nil.
func Layers(p *bundle.Program, seconds, sqnr []float64) []Layer {
	layers := make([]Layer, len(p.Nodes))
	for i, n := range p.Nodes {
		layers[i] = Layer{Name: n.Name, Op: n.Kind(), Bits: n.Bits, Range: n.Range, Seen: n.Seen, Inputs: p.ListedInputs(i)}
		if sqnr != nil {
			layers[i].SQNR = &sqnr[i]
		}
		if seconds != nil {
			layers[i].Seconds = seconds[i]
		}
	}
	return layers
}

// Apply puts a comparison's results into the report.
func (r *Report) Apply(c *Comparison) {
	r.Accuracy, r.Metric, r.ArgmaxFlips = c.Accuracy, c.Metrics, c.Flips
	r.LogitMismatches, r.FirstMismatch, r.Precision = c.LogitMismatches, c.First, c.Precision
	if r.Undecided = nil; c.Precision != nil {
		r.Undecided = &c.Precision.Undecided
	}
	r.Explained = c.Explained
	r.IntegerLogitsSHA256, r.Answers = c.LogitsSHA256, c.Answers
}

// Asked is what the reported network is asked for. The classes of a classification are
// known to be two where the report has their scores, else not at all.
func (r *Report) Asked() task.Task {
	v := r.Answers.Values
	switch {
	case r.Task == task.Regression && v != nil:
		return task.Task{Kind: task.Regression, Outputs: v.Outputs}
	case r.Task == task.Regression:
		return task.Task{Kind: task.Regression}
	case v != nil:
		return task.Task{Kind: task.Classification, Outputs: 2}
	}
	return task.Task{Kind: task.Classification}
}

// Judged is a metric of each stage.
func (r *Report) Judged(m task.Metric) Accuracy {
	if m == task.Accuracy {
		return r.Accuracy
	}
	return r.Metric[m.Name]
}

// Unit is the word for the report's samples; reports of earlier versions are of images.
func (r *Report) Unit() task.Noun { return task.Named(r.Noun) }

// Encode is report.json's bytes.
func (r *Report) Encode() ([]byte, error) {
	written := *r
	written.Samples = r.Images
	b, err := json.MarshalIndent(&written, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("verify: report: %w", err)
	}
	return append(b, '\n'), nil
}

// WriteFile writes report.json; the file appears only when complete.
func (r *Report) WriteFile(path string) error {
	b, err := r.Encode()
	if err != nil {
		return err
	}
	return whole.WriteFile(path, b)
}
