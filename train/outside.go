package train

import (
	"context"
	"math"

	"qtool/datasets"
)

// Outside says how the inputs of a polynomial lie to the interval it was made
// for, over all elements and images.
type Outside struct {
	Layer    string     `json:"layer"`
	Interval [2]float64 `json:"interval"`
	Images   int        `json:"images"`
	Values   int        `json:"values"`
	Outside  int        `json:"outside"`
	Smallest float64    `json:"smallest"`
	Largest  float64    `json:"largest"`
}

// Fraction is the share of values outside the interval.
func (o Outside) Fraction() float64 { return float64(o.Outside) / float64(max(o.Values, 1)) }

// Outside runs the images and looks at the inputs of every polynomial with an
// interval, as the network computes them: where it is quantized, at the reals
// that its integers stand for.
func (e *Evaluator) Outside(ctx context.Context, s *datasets.Split) ([]Outside, error) {
	counts := make([][]Outside, len(e.graphs))
	for k, g := range e.graphs {
		counts[k] = make([]Outside, len(g.bounded))
		at := map[int]int{}
		for j, b := range g.bounded {
			counts[k][j] = Outside{
				Layer: e.names[b.layer], Interval: [2]float64(b.interval),
				Smallest: math.Inf(1), Largest: math.Inf(-1),
			}
			at[b.layer] = j
		}
		g.watch = func(i int, x []float32) {
			j := at[i]
			counts[k][j].add(x, g.batch, g.used, g.bounded[j].scales())
			counts[k][j].Images += g.used
		}
		defer func() { g.watch = nil }()
	}
	if _, err := e.Predict(ctx, s); err != nil {
		return nil, err
	}
	var all []Outside
	for j := range counts[0] {
		o := counts[0][j]
		for _, c := range counts[1:] {
			o.Images, o.Values, o.Outside = o.Images+c[j].Images, o.Values+c[j].Values, o.Outside+c[j].Outside
			o.Smallest, o.Largest = math.Min(o.Smallest, c[j].Smallest), math.Max(o.Largest, c[j].Largest)
		}
		all = append(all, o)
	}
	return all, nil
}

// add counts the values x [C, ..., batch] of the first rows images.
func (o *Outside) add(x []float32, batch, rows int, scales []float64) {
	for from := 0; from < len(x); from += batch {
		scale := scales[from*len(scales)/len(x)]
		for _, v := range x[from : from+rows] {
			z := float64(v) * scale
			o.Smallest, o.Largest = math.Min(o.Smallest, z), math.Max(o.Largest, z)
			if z < o.Interval[0] || z > o.Interval[1] {
				o.Outside++
			}
		}
		o.Values += rows
	}
}
