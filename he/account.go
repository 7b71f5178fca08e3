package he

// Account is what some executors tell of a run beside answers and cost: *Latency,
// *Lookups, Noise, NodeSeconds or Domains. A Result has at most one of each type, and
// has it only where the executor measured it: AccountOf finds it.
type Account interface{ account() }

func (*Latency) account()    {}
func (*Lookups) account()    {}
func (Noise) account()       {}
func (NodeSeconds) account() {}
func (Domains) account()     {}

// AccountOf is the account of type A in r; ok is false where there is none.
func AccountOf[A Account](r *Result) (a A, ok bool) {
	for _, x := range r.Accounts {
		if a, ok = x.(A); ok {
			return a, true
		}
	}
	return a, false
}

// Noise is what the client measured of exact ciphertexts when it decrypted them.
type Noise struct {
	// BitsLeft is log2 of how often the worst noise fits below the wrap-around;
	// infinite where there was no noise at all.
	BitsLeft float64
}

// NodeSeconds is the evaluation time of each node of the program, in seconds, summed
// over workers.
type NodeSeconds []float64

// Latency is the seconds of one sample: medians over all samples but for First,
// the evaluation of the first one, whose memory is cold. Encode is what encoding
// the weights took, once; Predicted is what the plan said of Evaluate.
type Latency struct {
	Encrypt   float64 `json:"encrypt"`
	Evaluate  float64 `json:"evaluate"`
	Decrypt   float64 `json:"decrypt"`
	First     float64 `json:"first_evaluate"`
	Plan      float64 `json:"plan"`
	Encode    float64 `json:"encode_weights"`
	Predicted float64 `json:"predicted_evaluate"`
}

// Domains are what the values used of each domain of a recurrent program.
type Domains []Domain

// Domain is an interval that a polynomial of a recurrent program was fitted for,
// and what the integer reference's values used of it over all steps and samples, in
// the reals of the node. A value that leaves it ends the verification.
type Domain struct {
	Layer string  `json:"layer"`
	Node  string  `json:"node"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
	// SeenLo and SeenHi are the extremes seen.
	SeenLo float64 `json:"seen_lo"`
	SeenHi float64 `json:"seen_hi"`
}
