package he

// Description is a plan to be read, and to be scripted against: what was chosen, what
// it costs, and why.
type Description struct {
	// Backend is the name in flags and reports.
	Backend string `json:"backend"`
	// Hash is the SHA-256 of all that was chosen: two plans that have the same one do
	// the same.
	Hash string `json:"hash"`
	LogN int    `json:"log_n"`
	// Slots is how many samples are evaluated together.
	Slots            int      `json:"slots"`
	LogQP            float64  `json:"log_qp"`
	SecurityBits     int      `json:"security_bits"`
	PlaintextModuli  []uint64 `json:"plaintext_moduli,omitempty"`
	CiphertextModuli []uint64 `json:"ciphertext_moduli"`
	SpecialModuli    []uint64 `json:"special_moduli,omitempty"`
	// LWE are the small ciphertexts of blind rotations.
	LWE *LWEDescription `json:"lwe,omitempty"`
	// Rotations counts the Galois keys. KeyBytes is the size of all evaluation keys.
	Rotations int   `json:"rotation_keys"`
	KeyBytes  int64 `json:"key_bytes"`
	// MemoryBytes is the ciphertexts of a batch that are in memory at once.
	MemoryBytes int64 `json:"memory_bytes,omitempty"`
	// FailurePerSample bounds the probability that a sample has a decryption failure.
	FailurePerSample float64 `json:"failure_probability_per_sample,omitempty"`
	// Work is the core seconds of evaluating Samples samples by the cost model of the
	// reference processor, the same on every machine; Predicted the seconds that it
	// is predicted to take on this one.
	Samples   int                `json:"samples"`
	Work      float64            `json:"work_core_seconds"`
	Predicted float64            `json:"predicted_seconds"`
	Layers    []LayerDescription `json:"layers"`
	Why       []string           `json:"why"`
}

// LWEDescription are the parameters of small LWE ciphertexts, and how look-ups take
// words apart.
type LWEDescription struct {
	Dimension int    `json:"dimension"`
	LogQ      int    `json:"log_q"`
	Digits    string `json:"digits"`
}

// LayerDescription is what is evaluated in one piece: a fused linear map with the
// activation behind it. First and Last are its program nodes, -1 for none. Rotations
// counts all key switches with a rotation, Hoisted the switches that share a
// decomposition. Bits are the predicted precision behind it (CKKS) or the noise budget
// left; Seconds predicts its evaluation on this machine, of all plaintext primes
// together, where the plan tells layers apart.
type LayerDescription struct {
	Name      string  `json:"name"`
	First     int     `json:"first_node"`
	Last      int     `json:"last_node"`
	Layout    string  `json:"layout"`
	In        int     `json:"ciphertexts_in"`
	Out       int     `json:"ciphertexts_out"`
	Products  int     `json:"products"`
	Rotations int     `json:"rotations"`
	Hoisted   int     `json:"hoisted"`
	Limbs     int     `json:"limbs"`
	Bits      float64 `json:"bits"`
	Seconds   float64 `json:"predicted_seconds"`
}
