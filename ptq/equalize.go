package ptq

import (
	"fmt"
	"math"

	"qtool/internal/elementary"
	"qtool/model"
)

// pair is a weighted layer and the next one, with all between them positively
// homogeneous: f(t x) = t^degree f(x) for t > 0, and read by nothing else.
type pair struct{ first, second, degree int }

// homogeneousPairs finds the pairs of a network and says of others why they are
// none.
func homogeneousPairs(n *model.Network) (pairs []pair, skipped []string) {
	sources, err := n.Sources()
	if err != nil {
		return nil, []string{err.Error()}
	}
	readers := model.Readers(sources)
	for i, l := range n.Layers {
		if !l.Weighted() || len(readers[i]) == 0 {
			continue
		}
		at, degree, reason := i, 1, ""
		for reason == "" {
			if len(readers[at]) > 1 {
				reason = fmt.Sprintf("layer %q is read by %d layers, which a chain is not", n.Layers[at].Name, len(readers[at]))
				break
			}
			at = readers[at][0]
			next := n.Layers[at]
			if next.Weighted() {
				pairs = append(pairs, pair{i, at, degree})
				break
			}
			d, ok := homogeneity(next)
			if next.Type == model.BatchNorm {
				ok = n.TableAfter(at) < 0 // folded into the layer before, or kept with its offset
			}
			switch {
			case len(sources[at]) > 1:
				reason = fmt.Sprintf("layer %q (%s) joins branches, which a chain does not have", next.Name, next.Type)
			case !ok:
				reason = fmt.Sprintf("layer %q (%s) is not positively homogeneous", next.Name, next.Type)
			case degree*d > maxDegree:
				reason = fmt.Sprintf("activations up to layer %q have degree %d together, the limit is %d", next.Name, degree*d, maxDegree)
			}
			degree *= d
		}
		if reason != "" {
			skipped = append(skipped, fmt.Sprintf("%s, %s", afterLayer(n, readers, i, at), reason))
		}
	}
	return pairs, skipped
}

// afterLayer names a layer with weights, and the one that follows it in a chain.
func afterLayer(n *model.Network, readers [][]int, i, at int) string {
	for len(readers[at]) == 1 {
		if at = readers[at][0]; n.Layers[at].Weighted() {
			return fmt.Sprintf("between %q and %q", n.Layers[i].Name, n.Layers[at].Name)
		}
	}
	return fmt.Sprintf("behind %q", n.Layers[i].Name)
}

// maxDegree bounds the power of a scale between two layers.
const maxDegree = 64

// homogeneity is the degree of an unweighted layer that is no batch norm: 1 for a
// pool, a flatten and ReLU, d for the monomial a x^d whose coefficients are not trained.
func homogeneity(l model.Layer) (degree int, ok bool) {
	a, polynomial := l.PolynomialCoefficients()
	switch {
	case !l.Activation() || l.Type == model.ReLU:
		return 1, true
	case !polynomial || l.Trainable:
		return 0, false
	}
	for _, c := range a[:len(a)-1] {
		if c != 0 {
			return 0, false
		}
	}
	return len(a) - 1, true
}

// Equalize returns parameters of the same function whose weights have more equal
// ranges from channel to channel, and for each two neighbouring layers that it
// had to leave alone the reason. Where all between two weighted layers is
// positively homogeneous of degree d (pools 1, ReLU 1, the square 2), channel i
// of the first can be divided by any t_i > 0 and the second's weights that read
// it multiplied by t_i^d. With the ranges r_i of the channel's weights in the
// first layer and q_i of those in the second,
//
//	t_i = (r_i/q_i)^(1/(d+1))
//
// makes both r_i/t_i = q_i t_i^d. Pairs are visited in order, over and over,
// until no t_i differs from their mean by more than a thousandth. A channel
// without weights in one of the layers stays as it is. p is not changed.
//
// Reference: Nagel et al., arXiv 1906.04721, section 4.1, for d = 1.
func Equalize(n *model.Network, p model.Parameters) (model.Parameters, []string, error) {
	if err := p.Check(n); err != nil {
		return nil, nil, err
	}
	pairs, skipped := homogeneousPairs(n)
	e := newEqualizer(n, p)
	for range 100 {
		change := 0.0
		for _, pr := range pairs {
			change = max(change, e.equalize(pr))
		}
		if change < 1e-3 {
			break
		}
	}
	p = e.parameters(n, p)
	// float32 has its limits: a scale that leaves them would change the function.
	if err := p.Check(n); err != nil {
		return nil, nil, fmt.Errorf("ptq: equalize: %w", err)
	}
	return p, skipped, nil
}

// equalizer holds the parameters of each layer in float64, so that they are
// rounded once only.
type equalizer struct {
	weights, biases [][]float64
	groups          []int
}

func newEqualizer(n *model.Network, p model.Parameters) *equalizer {
	e := &equalizer{}
	for _, l := range n.Layers {
		w, b := p.Of(l.Name)
		e.weights, e.biases = append(e.weights, wide(w)), append(e.biases, wide(b))
		e.groups = append(e.groups, max(l.Groups, 1))
	}
	return e
}

// parameters is a copy of p with the equalizer's values.
func (e *equalizer) parameters(n *model.Network, p model.Parameters) model.Parameters {
	p = p.Clone()
	for i, l := range n.Layers {
		w, b := p.Of(l.Name)
		for k, v := range e.weights[i] {
			w[k] = float32(v)
		}
		for k, v := range e.biases[i] {
			b[k] = float32(v)
		}
	}
	return p
}

// equalize scales one pair and returns how far the channels' factors were from
// equal: the largest |log(t_i / mean t)|.
func (e *equalizer) equalize(pr pair) float64 {
	w, b, next := e.weights[pr.first], e.biases[pr.first], e.weights[pr.second]
	channels, outputs := len(b), len(e.biases[pr.second])
	row, nextRow := len(w)/channels, len(next)/outputs
	groups := e.groups[pr.second]
	per := nextRow * groups / channels // weights of an output of the second layer that read a channel
	// reading calls f with the weights of the second layer that read channel i.
	reading := func(i int, f func(w []float64)) {
		group := i * groups / channels
		first := i - group*channels/groups // of the group's channels
		for o := group * outputs / groups; o < (group+1)*outputs/groups; o++ {
			f(next[o*nextRow+first*per : o*nextRow+(first+1)*per])
		}
	}
	logs := make([]float64, channels)
	sum, live := 0.0, 0.0
	for i := range logs {
		r := largest(w[i*row : (i+1)*row])
		q := 0.0
		reading(i, func(w []float64) { q = max(q, largest(w)) })
		if r > 0 && q > 0 {
			logs[i] = elementary.Log(r/q) / float64(pr.degree+1)
			sum += logs[i]
			live++
		} else {
			logs[i] = math.NaN()
		}
	}
	// A factor that all channels share changes no scale's fit. Without it the
	// weights keep their size.
	change := 0.0
	for i, v := range logs {
		if math.IsNaN(v) {
			continue
		}
		v -= sum / live
		change = max(change, math.Abs(v))
		t := elementary.Exp(v)
		divide(w[i*row:(i+1)*row], t)
		divide(b[i:i+1], t)
		reading(i, func(w []float64) { divide(w, elementary.Pow(t, -float64(pr.degree))) })
	}
	return change
}

func largest(w []float64) (m float64) {
	for _, v := range w {
		m = max(m, math.Abs(v))
	}
	return m
}

func divide(w []float64, t float64) {
	for i := range w {
		w[i] /= t
	}
}

// wide is v in float64; nil stays nil.
func wide(v []float32) []float64 {
	if v == nil {
		return nil
	}
	w := make([]float64, len(v))
	for i, x := range v {
		w[i] = float64(x)
	}
	return w
}
