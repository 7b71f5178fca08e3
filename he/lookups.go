package he

import "math"

// Lookups accounts for look-ups that fail to decrypt with a small probability. Probabilities
// are computed from the predicted noise, counts and deviations are measured while
// verifying.
type Lookups struct {
	// Done look-ups and logits of which Missed were decryption failures, with noise of more
	// than half a step of the message space, and Failed gave a wrong entry: neighbouring
	// entries of a table may be equal.
	Done   int `json:"done"`
	Missed int `json:"missed"`
	Failed int `json:"failed"`
	// Expected is how many of them were predicted to be decryption failures.
	Expected float64 `json:"expected_missed"`
	// PerLookup is the probability that the worst look-up fails to decrypt, PerSample bounds
	// the probability that any look-up or logit of a sample does.
	PerLookup float64 `json:"failure_probability_per_lookup"`
	PerSample float64 `json:"failure_probability_per_image"`
	// Milliseconds is the wall-clock time a look-up, SecondsPerSample the
	// time of evaluating a sample, with all workers.
	Milliseconds     float64       `json:"ms_per_lookup"`
	SecondsPerSample float64       `json:"seconds_per_image"`
	Layers           []LookupNoise `json:"layers"`
	// FailedSamples are the samples in which a decryption failure gave a wrong entry:
	// their logits may differ from the reference's, all others' must not.
	FailedSamples []int `json:"failed_images"`
}

// LookupNoise is the noise of a layer's look-ups or logits. Standard deviations
// are in units of the largest noise that does no harm, half a step of the message space;
// the predicted one is of the worst output.
type LookupNoise struct {
	Layer     string  `json:"layer"`
	Done      int     `json:"done"`
	Missed    int     `json:"missed"`
	Failed    int     `json:"failed"`
	Predicted float64 `json:"predicted_std"`
	Measured  float64 `json:"measured_std"`
}

// Add adds the account u of further samples, the first of which has number from.
// Times and deviations are averaged with their weights.
func (l *Lookups) Add(u *Lookups, from int) {
	if l.Done == 0 {
		failed := l.FailedSamples
		*l = *u
		l.Layers, l.FailedSamples = append([]LookupNoise{}, u.Layers...), append([]int{}, failed...)
	} else {
		old, more := float64(l.Done), float64(u.Done)
		mean := func(a, b float64) float64 { return (float64(a*old) + float64(b*more)) / (old + more) }
		l.Done, l.Missed, l.Failed, l.Expected = l.Done+u.Done, l.Missed+u.Missed, l.Failed+u.Failed, l.Expected+u.Expected
		l.Milliseconds, l.SecondsPerSample = mean(l.Milliseconds, u.Milliseconds), mean(l.SecondsPerSample, u.SecondsPerSample)
		for i := range l.Layers {
			l.Layers[i].add(&u.Layers[i])
		}
	}
	for _, i := range u.FailedSamples {
		l.FailedSamples = append(l.FailedSamples, from+i)
	}
}

func (n *LookupNoise) add(u *LookupNoise) {
	old, more := float64(n.Done), float64(u.Done)
	if old+more > 0 {
		n.Measured = math.Sqrt((float64(old*n.Measured*n.Measured) + float64(more*u.Measured*u.Measured)) / (old + more))
	}
	n.Done, n.Missed, n.Failed = n.Done+u.Done, n.Missed+u.Missed, n.Failed+u.Failed
}
