package report

import (
	"fmt"
	"html/template"
	"math"
	"math/big"

	"qtool/bundle"
	"qtool/task"
)

// maxActivationBins bounds the bars of an activation histogram.
const maxActivationBins = 96

// activations counts the integers that one node makes, in bins of equal width
// on the axis of signedBits.
type activations struct {
	lo, hi float64 // of the static bound, in signed bits
	width  float64
	bins   []float64
	total  float64
}

// signedBits is sign(q) log2(1+|q|): a linear axis in the bits that an integer
// takes. It is what a plaintext modulus pays for, and it fits both a first
// layer's ten bits and a last layer's sixty.
func signedBits(q float64) float64 {
	return math.Copysign(math.Log2(1+math.Abs(q)), q)
}

// signedBitsBig is signedBits of an integer of any size.
func signedBitsBig(q *big.Int) float64 {
	if q.BitLen() < 1000 {
		f, _ := q.Float64()
		return signedBits(f)
	}
	mantissa := new(big.Float)
	exponent := new(big.Float).SetInt(q).MantExp(mantissa)
	f, _ := mantissa.Float64()
	return math.Copysign(float64(exponent)+math.Log2(math.Abs(f)), f)
}

func newActivations(r bundle.Range) *activations {
	a := &activations{lo: min(0, signedBitsBig(r.Lo)), hi: max(0, signedBitsBig(r.Hi))}
	a.width = max(0.5, math.Ceil((a.hi-a.lo)/maxActivationBins*2)/2)
	a.bins = make([]float64, 1+int((a.hi-a.lo)/a.width))
	return a
}

func (a *activations) add(v bundle.Vec) {
	for i := range v.Len() {
		x := 0.0
		if v.Big == nil {
			x = signedBits(float64(v.Small[i]))
		} else {
			x = signedBitsBig(v.Big[i])
		}
		k := int((x - a.lo) / a.width)
		a.bins[max(0, min(k, len(a.bins)-1))]++
		a.total++
	}
}

// observe runs the program on the calibration images and counts every node's
// integers; nil without images. A reshape has none of its own.
func (in *Input) observe() ([]*activations, error) {
	if in.Bundle == nil || in.Calibration == nil || in.Calibration.Len() == 0 {
		return nil, nil
	}
	p := in.Bundle.Program
	runner, err := bundle.NewRunner(p)
	if err != nil {
		return nil, err
	}
	counts := make([]*activations, len(p.Nodes))
	for i := range p.Nodes {
		if p.Nodes[i].Kind() != bundle.KindReshape {
			counts[i] = newActivations(p.Nodes[i].Range)
		}
	}
	for i := range in.Calibration.Len() {
		_, err := runner.Run(p.Input.Sample(in.Calibration.Tensor(i)).Vec(), func(node int, out bundle.Vec) {
			if counts[node] != nil {
				counts[node].add(out)
			}
		})
		if err != nil {
			return nil, fmt.Errorf("calibration %s %d: %w", in.unit().One, i, err)
		}
	}
	return counts, nil
}

// histogram draws the integers with the calibration range and the static bound below them.
// Heights are square roots of shares, so that the rare large integers show.
func (a *activations) histogram(n *bundle.Node, samples int, noun task.Noun) figure {
	caption := fmt.Sprintf("Integers over %s. Calibration range %s, %d bits; static bound %s, %d bits.",
		plural(samples, "calibration "+noun.One, "calibration "+noun.Many), interval(n.Seen), rangeBits(n.Seen), interval(n.Range), rangeBits(n.Range))
	d := draw(chartWidth, 150, n.Name+": histogram of activations. "+caption)
	const left, right, top, bottom = 50.0, 12.0, 8.0, 92.0
	x := scale{a.lo, a.lo + a.width*float64(len(a.bins)), left, chartWidth - right}
	y := scale{0, 0, bottom, top}
	for _, v := range a.bins {
		y.hi = max(y.hi, math.Sqrt(v/a.total))
	}
	for i, v := range a.bins {
		if v > 0 {
			from, to := x.at(a.lo+a.width*float64(i)), x.at(a.lo+a.width*float64(i+1))
			h := max(1, bottom-y.at(math.Sqrt(v/a.total)))
			d.rect(from+0.3, bottom-h, to-from-0.6, h, "main-soft", fixed(100*v/a.total, 3)+" %")
		}
	}
	d.line(left, bottom, chartWidth-right, bottom, "axis")
	a.powers(d, x, top, bottom)
	for i, strip := range []struct {
		tick, name, class string
		r                 bundle.Range
	}{{"range", "calibration range", "main", n.Seen}, {"bound", "static bound", "soft", n.Range}} {
		at := bottom + 24 + float64(i)*12
		d.text(left-6, at+7, "end", "tick", strip.tick)
		if strip.r.Lo != nil {
			from, to := x.at(signedBitsBig(strip.r.Lo)), x.at(signedBitsBig(strip.r.Hi))
			d.bar(from, at, max(to-from, 1), 7, strip.class, strip.name+" "+interval(strip.r))
		}
	}
	d.text((left+chartWidth-right)/2, 148, "middle", "title", "integer, by its bits")
	return figure{d.done(), caption}
}

// powers writes round powers of two below the axis.
func (a *activations) powers(d *drawing, x scale, top, bottom float64) {
	span := a.hi - a.lo
	step := 1
	for _, s := range []int{2, 4, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000} {
		if span/float64(step) <= 8 {
			break
		}
		step = s
	}
	for k := int(math.Ceil(a.lo/float64(step))) * step; float64(k) <= a.hi; k += step {
		d.line(x.at(float64(k)), top, x.at(float64(k)), bottom, "grid")
		d.power(x.at(float64(k)), bottom+15, k)
	}
}

// placeholder is what stands where a chart has no data.
func placeholder(words string) figure { return figure{template.HTML(""), words} }
