package tune

import (
	"context"
	"errors"
	"math"
	"runtime"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/bgv"
	"qtool/he/bgvlut"
	"qtool/he/lstm"
	"qtool/he/security"
	"qtool/he/tfhe"
	"qtool/internal/elementary"
	"qtool/pipeline"
	"qtool/recipe"
)

// Needs is what a candidate needs under encryption.
type Needs struct {
	Backend string `json:"backend"`
	// OutputBits is log2 of the width of the output's static bound; of polynomial
	// networks.
	OutputBits float64 `json:"output_bits,omitempty"`
	// TableBits is log2 of the entries of the largest table; of table networks.
	TableBits       float64 `json:"table_bits,omitempty"`
	PlaintextPrimes int     `json:"plaintext_primes,omitempty"`
	PlaintextBits   float64 `json:"plaintext_bits,omitempty"`
	LogN            int     `json:"log_n"`
	LogQP           float64 `json:"log_qp"`
	// CiphertextPrimes are the levels' primes.
	CiphertextPrimes int `json:"ciphertext_primes,omitempty"`
	// Work is the core seconds of the whole run by the constants of the cost model,
	// on the fastest kernels, the same on every machine.
	Work float64 `json:"work"`

	// seconds is what this machine's kernels are predicted to take on one core; of
	// networks with tables or recurrent layers.
	seconds float64
}

// predict is the cheapest way to run a program under encryption that the
// recipe's back end allows, or why nothing carries it.
func predict(ctx context.Context, p *bundle.Program, v recipe.Verify, images int) (*Needs, string, error) {
	recurrent := p.Uses(bundle.KindRecurrent)
	if recurrent && !p.Uses(bundle.KindLookupTable) {
		n, err := lstm.Predict(ctx, p, images, lstm.Options{LogN: v.LogN, Bits: v.Precision})
		if reason, err := infeasible(err); reason != "" || err != nil {
			return nil, reason, err
		}
		return &Needs{Backend: "packed-ckks", LogN: n.LogN, LogQP: n.LogQP, CiphertextPrimes: n.Primes, Work: n.Work, seconds: n.Seconds}, "", nil
	}
	if !p.Uses(bundle.KindLookupTable) {
		n, err := bgv.Predict(ctx, p, bgv.Options{Samples: images, LogN: v.LogN, Memory: pipeline.MemoryBytes(v.Memory)})
		if reason, err := infeasible(err); reason != "" || err != nil {
			return nil, reason, err
		}
		return &Needs{
			Backend: "bgv", OutputBits: n.OutputBits, PlaintextPrimes: n.PlaintextPrimes, PlaintextBits: n.PlaintextBits,
			LogN: n.LogN, LogQP: n.LogQP, CiphertextPrimes: n.CiphertextPrimes, Work: n.Work,
		}, "", nil
	}
	var best *Needs
	var why string
	if v.Backend != "pbs" && !recurrent { // which batches have no form of
		n, err := bgvlut.Predict(ctx, p, bgvlut.Options{Samples: images, LogN: v.LogN})
		reason, err := infeasible(err)
		if err != nil {
			return nil, "", err
		}
		if why = reason; reason == "" {
			best = &Needs{
				Backend: "bgv", PlaintextPrimes: 1, PlaintextBits: n.PlaintextBits, LogN: n.LogN, LogQP: n.LogQP,
				CiphertextPrimes: n.CiphertextPrimes, Work: n.Work, seconds: n.Seconds,
			}
		}
	}
	if v.Backend != "bgv" {
		n, err := tfhe.Predict(ctx, p, images, tfhe.Options{LogN: v.LogN})
		reason, err := infeasible(err)
		if err != nil {
			return nil, "", err
		}
		if reason == "" && (best == nil || n.Work < best.Work) {
			best = &Needs{Backend: "pbs", LogN: n.LogN, LogQP: n.LogQP, Work: n.Work, seconds: n.Seconds}
		} else if why == "" {
			why = reason
		}
	}
	if best == nil {
		return nil, why, nil
	}
	best.TableBits = elementary.Log2(float64(largestTable(p)))
	return best, "", nil
}

// infeasible is the text of an error that says that no parameters carry a
// program; any other error stays one.
func infeasible(err error) (string, error) {
	var insecure *security.InsecureError
	if errors.Is(err, he.ErrInsufficient) || errors.As(err, &insecure) {
		return err.Error(), nil
	}
	return "", err
}

// largestTable is the most entries that a table of p has.
func largestTable(p *bundle.Program) (most int) {
	return largestIn(p.Nodes)
}

// largestIn is the most entries that a table of the nodes has, or of a loop in them.
func largestIn(nodes []bundle.Node) (most int) {
	for i := range nodes {
		switch op := nodes[i].Op.(type) {
		case *bundle.LookupTable:
			for _, one := range op.Tables {
				most = max(most, len(one.Values))
			}
		case *bundle.Recurrent:
			most = max(most, largestIn(op.Body))
		}
	}
	return most
}

// predictedSeconds is the time of a run on this machine.
func (n *Needs) predictedSeconds(s bgv.Speed) float64 {
	if n.seconds != 0 {
		return n.seconds / float64(runtime.GOMAXPROCS(0))
	}
	return n.Work * s.Factor / math.Max(float64(s.Workers), 1)
}
