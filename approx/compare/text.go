package compare

import (
	"fmt"
	"math"
	"strings"

	"qtool/approx"
)

// Sparkline draws p - f over the interval in 48 columns: the middle of the
// column is 0, its ends are -scale and scale, and ! is beyond them.
func Sparkline(p *approx.Polynomial, scale float64) string {
	f, err := approx.Lookup(p.Function)
	if err != nil || scale == 0 {
		return ""
	}
	const columns = 48
	levels := []rune("▁▂▃▄▅▆▇█")
	var b strings.Builder
	for i := range columns {
		x := p.Interval.Lo + (p.Interval.Hi-p.Interval.Lo)*float64(i)/(columns-1)
		e := (p.Eval(x) - f.Eval(x)) / scale
		if math.Abs(e) > 1+1e-9 {
			b.WriteByte('!')
			continue
		}
		b.WriteRune(levels[min(max(int((e+1)/2*float64(len(levels))), 0), len(levels)-1)])
	}
	return b.String()
}

// Polynomial writes a_0 + a_1 x + ... to nine digits, zeros left out.
func Polynomial(a []float64) string {
	var b strings.Builder
	for k, c := range a {
		if c == 0 {
			continue
		}
		term := fmt.Sprintf("%.9g", math.Abs(c))
		switch k {
		case 0:
		case 1:
			term += " x"
		default:
			term += fmt.Sprintf(" x^%d", k)
		}
		switch {
		case b.Len() > 0 && c < 0:
			b.WriteString(" - ")
		case b.Len() > 0:
			b.WriteString(" + ")
		case c < 0:
			b.WriteString("-")
		}
		b.WriteString(term)
	}
	if b.Len() == 0 {
		return "0"
	}
	return b.String()
}
