package report

import (
	"fmt"
	"html/template"
	"math"

	"qtool/bundle"
	"qtool/model"
)

// maxWeightBars bounds the bars of a weight histogram; a wider grid has several
// integers a bar.
const maxWeightBars = 127

// figure is a chart with its words.
type figure struct {
	Chart   template.HTML
	Caption string
}

// weightCodes are the integer weights of a node, or nil.
func weightCodes(op bundle.Op) []int32 {
	switch op := op.(type) {
	case *bundle.Dense:
		return op.Weight
	case *bundle.Conv2D:
		return op.Weight
	}
	return nil
}

// masterWeights are the float weights of every quantized layer in steps of its
// grid, so that rounding them gives the integers; nil without a checkpoint.
func (in *Input) masterWeights() (map[string][]float64, error) {
	if in.Quantized == nil {
		return nil, nil
	}
	q, err := in.Quantized.Quantized()
	if err != nil {
		return nil, err
	}
	scaling, err := q.Scaling()
	if err != nil {
		return nil, err
	}
	masters := map[string][]float64{}
	k := 0
	for i, l := range q.Network.Layers {
		if l.Weighted() {
			masters[l.Name] = inSteps(q, l, &scaling[i], q.Weights[k])
			k++
		}
	}
	return masters, nil
}

func inSteps(q *model.Quantized, l model.Layer, s *model.LayerScaling, quantizer model.WeightQuantizer) []float64 {
	w, bias := q.Params.Of(l.Name)
	steps := make([]float64, len(w))
	row := len(w) / len(bias)
	for i, x := range s.FoldedWeights(w, len(bias)) {
		steps[i] = float64(x) / float64(quantizer.Params(i/row).Scale)
	}
	return steps
}

// weightHistogram draws the integer weights as bars over their grid, and the
// density of the float weights they were rounded from as a line.
func weightHistogram(n *bundle.Node, codes []int32, masters []float64) figure {
	limit := 1
	if n.Bits > 1 {
		limit = 1<<(n.Bits-1) - 1
	}
	zero, largest := 0, 0
	for _, c := range codes {
		a := int(max(c, -c))
		largest = max(largest, a)
		if c == 0 {
			zero++
		}
	}
	limit = max(limit, largest)
	per := (2*limit + maxWeightBars) / maxWeightBars // integers a bar
	side := (limit + per/2) / per                    // bars either side of the middle one
	bars := make([]float64, 2*side+1)
	for _, c := range codes {
		bars[side+int(math.Round(float64(c)/float64(per)))]++
	}
	caption := fmt.Sprintf("%s on the grid %s to %d; %s of them are 0, the largest magnitude is %d.",
		plural(len(codes), "weight", "weights"), fixed(float64(-limit), 0), limit, share(zero, len(codes)), largest)
	if per > 1 {
		caption += fmt.Sprintf(" A bar is %d integers.", per)
	}
	var line []float64
	if len(masters) == len(codes) {
		line = smooth(masters, float64(per), side)
		clamped := 0
		for _, x := range masters {
			if math.Abs(x) > float64(limit)+0.5 {
				clamped++
			}
		}
		caption += fmt.Sprintf(" The line is the float weights before rounding; %s were clamped.", share(clamped, len(masters)))
	} else {
		caption += " The quantized checkpoint is not at hand, so the float weights are not drawn."
	}
	d := draw(chartWidth, 150, n.Name+": histogram of integer weights. "+caption)
	drawWeights(d, bars, line, per, side)
	return figure{d.done(), caption}
}

// drawWeights draws the bars and, at weightDetail points a bar, the line.
func drawWeights(d *drawing, bars, line []float64, per, side int) {
	const left, right, top, bottom = 12.0, 12.0, 8.0, 122.0
	x := scale{-float64(side) - 0.5, float64(side) + 0.5, left, chartWidth - right}
	y := scale{0, 1, bottom, top}
	for _, v := range append(line, bars...) {
		y.hi = max(y.hi, v)
	}
	if side <= 15 {
		for k := -side; k <= side; k++ {
			d.line(x.at(float64(k)), top, x.at(float64(k)), bottom, "grid")
		}
	}
	width := x.at(1) - x.at(0)
	for i, v := range bars {
		k := i - side
		if v > 0 {
			d.rect(x.at(float64(k))-width*0.4, y.at(v), width*0.8, bottom-y.at(v), "main-soft", fmt.Sprintf("%d: %s", k*per, number(int(v))))
		}
	}
	var places []point
	for i, v := range line {
		places = append(places, point{x.at(-float64(side) - 0.5 + (float64(i)+0.5)/weightDetail), y.at(v)})
	}
	d.path(places, "line warm-line")
	d.line(left, bottom, chartWidth-right, bottom, "axis")
	step := max(1, int(math.Ceil(float64(side)/8)))
	for k := -(side / step) * step; k <= side; k += step {
		d.text(x.at(float64(k)), bottom+14, "middle", "tick", fixed(float64(k*per), 0))
	}
	d.text(chartWidth/2, bottom+27, "middle", "title", "integer weight")
}

// weightDetail is the points of the density line in one bar.
const weightDetail = 8

// smooth is the density of xs in units of count a bar of width per, at
// weightDetail points a bar from -side-1/2 to side+1/2 bars. The kernel is a
// Gaussian of Silverman's width, at least a third of a bar.
//
// Reference: Silverman, "Density Estimation for Statistics and Data Analysis",
// 1986, formula 3.28.
func smooth(xs []float64, per float64, side int) []float64 {
	n := (2*side + 1) * weightDetail
	raw := make([]float64, n)
	mean, square := 0.0, 0.0
	for _, x := range xs {
		x /= per
		mean += x / float64(len(xs))
		square += x * x / float64(len(xs))
		if at := math.Floor((x + float64(side) + 0.5) * weightDetail); at >= 0 && at < float64(n) {
			raw[int(at)] += weightDetail
		}
	}
	deviation := math.Sqrt(max(0, square-mean*mean))
	width := weightDetail * max(1.0/3, 0.9*deviation*math.Pow(float64(max(len(xs), 1)), -0.2))
	reach := int(math.Ceil(3 * width))
	kernel, total := make([]float64, 2*reach+1), 0.0
	for i := range kernel {
		z := float64(i-reach) / width
		kernel[i] = math.Exp(-z * z / 2)
		total += kernel[i]
	}
	out := make([]float64, n)
	for i := range out {
		for k, w := range kernel {
			if j := i + k - reach; j >= 0 && j < n {
				out[i] += raw[j] * w / total
			}
		}
	}
	return out
}

// share is "3.1 %", "none" or "all".
func share(k, n int) string {
	switch {
	case k == 0:
		return "none"
	case k == n:
		return "all"
	}
	return fixed(100*float64(k)/float64(n), 1) + " %"
}
