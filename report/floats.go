package report

import "fmt"

// floatCards draws the float weights of a run without a bundle.
func (in *Input) floatCards() ([]layerCard, error) {
	if in.Float == nil {
		return nil, nil
	}
	shapes, err := in.Float.Network.Shapes()
	if err != nil {
		return nil, err
	}
	var cards []layerCard
	for i, l := range in.Float.Network.Layers {
		if w, _ := in.Float.Params.Of(l.Name); l.Weighted() {
			f := floatHistogram(l.Name, w)
			cards = append(cards, layerCard{Name: l.Name, Op: string(l.Type), Shape: shape(shapes[i]), Weight: &f})
		}
	}
	return cards, nil
}

// floatHistogram draws weights that have no grid.
func floatHistogram(name string, w []float32) figure {
	const left, right, top, bottom, bins = 12.0, 12.0, 8.0, 122.0, 48
	largest := 0.0
	for _, v := range w {
		largest = max(largest, float64(v), -float64(v))
	}
	caption := fmt.Sprintf("%s, the largest magnitude is %s.", plural(len(w), "float weight", "float weights"), compact(largest))
	d := draw(chartWidth, 150, name+": histogram of weights. "+caption)
	x := scale{-largest, largest, left, chartWidth - right}
	count := make([]float64, bins)
	for _, v := range w {
		k := 0
		if largest > 0 {
			k = int((float64(v)/largest + 1) / 2 * bins)
		}
		count[max(0, min(k, bins-1))]++
	}
	y := scale{0, 1, bottom, top}
	for _, c := range count {
		y.hi = max(y.hi, c)
	}
	width := (chartWidth - left - right) / float64(bins)
	for i, c := range count {
		d.rect(left+width*float64(i)+0.4, y.at(c), width-0.8, bottom-y.at(c), "main-soft", number(int(c)))
	}
	d.line(left, bottom, chartWidth-right, bottom, "axis")
	values, decimals := ticks(-largest, largest, 7)
	for _, v := range values {
		d.text(x.at(v), bottom+14, "middle", "tick", fixed(v, decimals))
	}
	d.text(chartWidth/2, bottom+27, "middle", "title", "weight")
	return figure{d.done(), caption}
}
