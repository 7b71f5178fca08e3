package report

import (
	"fmt"
	"strings"

	"qtool/verify"
)

// layersView is what the report knows of each layer, side by side and alone.
type layersView struct {
	Rows                       []layerRow
	Ranges, SQNR, Budget, Time figure
	Cards                      []layerCard
	Missing                    string
	Integers                   bool // the cards are of integers
	Graph                      bool // a layer reads others than the one before it
}

// layerRow is a layer in the table.
type layerRow struct {
	Name, Op, Inputs, Bits, Bound, BoundBits, CalibrationBits, SQNR, Seconds string
}

// layerCard is a layer with its histograms.
type layerCard struct {
	Name, Op, Shape     string
	Weight, Activations *figure
}

func (in *Input) layers() (*layersView, error) {
	v := &layersView{Integers: in.Bundle != nil}
	for _, l := range in.Report.Layers {
		v.Rows = append(v.Rows, rowOf(l))
		v.Graph = v.Graph || len(l.Inputs) > 0
	}
	v.Ranges, v.SQNR, v.Budget, v.Time = in.rangeBars(), in.sqnrBars(), in.budgetBars(), in.timeBars()
	if in.Bundle == nil {
		cards, err := in.floatCards()
		v.Cards, v.Missing = cards, "The bundle is not at hand: integer weights and activations are not drawn."
		if in.Report.BundleSHA256 == "" {
			v.Missing = "Nothing was quantized: there is no grid, and there are no integers."
		}
		return v, err
	}
	masters, err := in.masterWeights()
	if err != nil {
		return nil, err
	}
	counts, err := in.observe()
	if err != nil {
		return nil, err
	}
	if counts == nil {
		v.Missing = fmt.Sprintf("The calibration %s are not at hand: activations are not drawn.", in.unit().Many)
	}
	p := in.Bundle.Program
	for i := range p.Nodes {
		n := &p.Nodes[i]
		card := layerCard{Name: n.Name, Op: string(n.Kind()), Shape: shape(n.Shape)}
		if codes := weightCodes(n.Op); codes != nil {
			f := weightHistogram(n, codes, masters[n.Name])
			card.Weight = &f
		}
		if counts != nil && counts[i] != nil {
			f := counts[i].histogram(n, in.Calibration.Len(), in.unit())
			card.Activations = &f
		}
		if card.Weight != nil || card.Activations != nil {
			v.Cards = append(v.Cards, card)
		}
	}
	return v, nil
}

func rowOf(l verify.Layer) layerRow {
	row := layerRow{
		Name: l.Name, Op: string(l.Op), Inputs: strings.Join(l.Inputs, ", "), Bits: "–", Bound: interval(l.Range), BoundBits: orDash(rangeBits(l.Range)),
		CalibrationBits: orDash(rangeBits(l.Seen)), SQNR: "–", Seconds: "–",
	}
	if l.Bits > 0 {
		row.Bits = fmt.Sprint(l.Bits)
	}
	if l.SQNR != nil {
		row.SQNR = fixed(*l.SQNR, 1)
	}
	if l.Seconds > 0 {
		row.Seconds = duration(l.Seconds)
	}
	return row
}

func orDash(n int) string {
	if n == 0 {
		return "–"
	}
	return number(n)
}

func (in *Input) rangeBars() figure {
	var bars []bar
	for _, l := range in.Report.Layers {
		bound, used := rangeBits(l.Range), rangeBits(l.Seen)
		if bound > 0 {
			bars = append(bars, bar{Label: l.Name, Value: float64(min(used, bound)), Outer: float64(bound), Text: fmt.Sprintf("%d of %d", used, bound)})
		}
	}
	if bars == nil {
		return placeholder("Nothing was quantized.")
	}
	return figure{barChart("Bits of each layer's integers: calibration range of static bound", bars), "Bits that calibration " + in.unit().Many + " used; faint behind them, the bits of the static bound, which holds every possible input. Parameters are chosen for the static bound."}
}

func (in *Input) sqnrBars() figure {
	var bars []bar
	for _, l := range in.Report.Layers {
		if l.SQNR != nil {
			bars = append(bars, bar{Label: l.Name, Value: *l.SQNR, Text: fixed(*l.SQNR, 1) + " dB"})
		}
	}
	if bars == nil {
		if in.Report.BundleSHA256 == "" {
			return placeholder("Nothing was quantized.")
		}
		return placeholder("Not measured in this run: it needs the float weights and calibration " + in.unit().Many + ".")
	}
	return figure{barChart("Signal to quantization noise ratio of each layer in decibels", bars), "Each layer's real values against the same network without rounding. 6 dB is about one bit of precision."}
}

func (in *Input) budgetBars() figure {
	b := in.Report.Backend
	if b == nil {
		return placeholder("Nothing was encrypted.")
	}
	var bars []bar
	caption := "Predicted bits between noise and wrap-around; faint behind them, the bits of the ciphertext modulus."
	if len(b.Budget) == 0 {
		bars = append(bars, bar{Label: "predicted", Value: b.PredictedBits, Text: fixed(b.PredictedBits, 1)})
		caption = "Bits between noise and wrap-around at the end. The back end predicts none between layers."
	}
	for _, s := range b.Budget {
		class := ""
		if s.BitsLeft <= 0 {
			class = "bad"
		}
		bars = append(bars, bar{Label: s.Layer, Value: s.BitsLeft, Outer: s.LogQ, Text: fmt.Sprintf("%s of %s", fixed(s.BitsLeft, 0), fixed(s.LogQ, 0)), Class: class})
	}
	if b.NoiseBitsLeft > 0 {
		bars = append(bars, bar{Label: "measured", Value: b.NoiseBitsLeft, Text: fixed(b.NoiseBitsLeft, 1), Class: "good"})
		caption += " Green: what decryption measured."
	}
	return figure{barChart("Noise budget in bits after each layer", bars), caption}
}

func (in *Input) timeBars() figure {
	var bars []bar
	total := 0.0
	if in.Report.Backend == nil {
		return placeholder("Nothing was encrypted.")
	}
	for _, l := range in.Report.Layers {
		total += l.Seconds
	}
	if total == 0 {
		return placeholder("The executor does not tell the layers apart.")
	}
	for _, l := range in.Report.Layers {
		text := "–"
		if l.Seconds > 0 {
			text = duration(l.Seconds)
		}
		bars = append(bars, bar{Label: l.Name, Value: l.Seconds, Text: text})
	}
	return figure{barChart("Evaluation time of each layer", bars), "Evaluation on ciphertexts, summed over the workers, for all " + in.unit().Many + "."}
}
