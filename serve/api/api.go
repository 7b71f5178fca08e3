// Package api is what service and clients say to each other besides objects: the JSON of
// models, keys and problems, and the names of headers.
package api

import "time"

// Bytes is the content type of objects.
const Bytes = "application/octet-stream"

// ProblemType is the content type of problems.
const ProblemType = "application/problem+json"

// The headers that say how far an upload of keys has come.
const (
	HeaderArrived = "Qtool-Arrived"
	HeaderLength  = "Qtool-Length"
)

// Problem is an error as a client sees it: problem details of RFC 9457. Type is "urn:qtool:"
// and a code; codes never change their meaning.
type Problem struct {
	Status int    `json:"status"`
	Type   string `json:"type"`
	Title  string `json:"title"`
	Detail string `json:"detail"`
}

// TypePrefix is what the type of a problem begins with; its code follows.
const TypePrefix = "urn:qtool:"

// Error is the title and the detail.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// Code is the type without TypePrefix.
func (p *Problem) Code() string {
	if len(p.Type) > len(TypePrefix) {
		return p.Type[len(TypePrefix):]
	}
	return ""
}

// ModelInfo is what the service says of a model.
type ModelInfo struct {
	Name     string   `json:"name"`
	Versions []string `json:"versions"` // one: the client half's hash
	Platform string   `json:"platform"`
	// Inputs and Outputs are the tensors in the clear, as the client sees them.
	Inputs  []Tensor `json:"inputs"`
	Outputs []Tensor `json:"outputs"`
	Labels  []string `json:"labels"`
	// Samples is the most that a message holds; Bytes are whole objects.
	Samples int         `json:"samples_per_message"`
	Bytes   ObjectBytes `json:"bytes"`
	// SecurityBits and LogFailure are the plan's.
	SecurityBits int     `json:"security_bits"`
	LogFailure   float64 `json:"log2_failure_probability"`
	// Seconds is what an evaluation is predicted to take on the service's machine.
	Seconds float64 `json:"predicted_seconds"`
}

// Tensor is a tensor's name and shape, in the words of the Open Inference Protocol.
type Tensor struct {
	Name     string `json:"name"`
	Datatype string `json:"datatype"`
	Shape    []int  `json:"shape"`
}

// ObjectBytes are the sizes of a model's objects.
type ObjectBytes struct {
	Client  int64 `json:"client_half"`
	Inputs  int64 `json:"inputs"`
	Outputs int64 `json:"outputs"`
	Keys    int64 `json:"evaluation_keys"`
}

// Models is the answer to GET /v2/models.
type Models struct {
	Models []ModelInfo `json:"models"`
}

// KeyInfo is what the service says of evaluation keys.
type KeyInfo struct {
	SHA256   string    `json:"sha256"`
	Bytes    int64     `json:"bytes"`
	Arrived  int64     `json:"arrived"`
	Complete bool      `json:"complete"`
	Used     time.Time `json:"used"`
	// KeyID and ClientHalf are what complete keys are good for, in hex.
	KeyID      string `json:"key_id,omitempty"`
	ClientHalf string `json:"client_half,omitempty"`
}

// Keys is the answer to GET /v1/keys.
type Keys struct {
	Keys []KeyInfo `json:"keys"`
}
