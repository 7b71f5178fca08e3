package report

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"qtool/bundle"
)

// number is n with its thousands apart: 10,000.
func number[T int | int64 | uint64](n T) string {
	s := fmt.Sprint(n)
	sign := ""
	if s[0] == '-' {
		sign, s = "−", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// plural is "1 image" or "2 images".
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return number(n) + " " + many
}

// percent is a share to two decimals.
func percent(x float64) string { return fixed(100*x, 2) + nbsp + "%" }

// nbsp keeps a figure and its unit on one line.
const nbsp = "\u00a0"

// fixed is x to so many decimals, with a real minus sign.
func fixed(x float64, decimals int) string {
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if strings.Trim(s, "-0.") == "" {
		s = strings.TrimPrefix(s, "-")
	}
	return strings.Replace(s, "-", "−", 1)
}

// compact is x to three significant digits.
func compact(x float64) string {
	return strings.ReplaceAll(strconv.FormatFloat(x, 'g', 3, 64), "-", "−")
}

// duration is seconds as people say them.
func duration(s float64) string {
	switch {
	case s >= 3600:
		return fmt.Sprintf("%d"+nbsp+"h %02d"+nbsp+"min", int(s)/3600, int(s)%3600/60)
	case s >= 100:
		return fmt.Sprintf("%d"+nbsp+"min %02d"+nbsp+"s", int(math.Round(s))/60, int(math.Round(s))%60)
	case s >= 1:
		return fixed(s, 1) + nbsp + "s"
	}
	return compact(1000*s) + nbsp + "ms"
}

// size is bytes in a unit that a person can read.
func size(n int64) string {
	for _, u := range []struct {
		unit  string
		bytes int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.bytes {
			return fixed(float64(n)/float64(u.bytes), 1) + nbsp + u.unit
		}
	}
	return number(n) + nbsp + "B"
}

// interval is a range as text; long bounds in powers of ten.
func interval(r bundle.Range) string {
	if r.Lo == nil || r.Hi == nil {
		return "not known"
	}
	if s := r.String(); len(s) <= 26 {
		return strings.NewReplacer("-", "−", ", ", ","+nbsp).Replace(s)
	}
	lo, _ := r.Lo.Float64()
	hi, _ := r.Hi.Float64()
	return "[" + compact(lo) + "," + nbsp + compact(hi) + "]"
}

// rangeBits is the two's complement width of a range; 0 where it is not known.
func rangeBits(r bundle.Range) int {
	if r.Lo == nil || r.Hi == nil {
		return 0
	}
	return r.Bits()
}

// power is 2 to the k with a raised exponent.
func power(k int) string {
	digits := []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")
	var raised strings.Builder
	for _, c := range strconv.Itoa(max(k, 0)) {
		raised.WriteRune(digits[c-'0'])
	}
	return "2" + raised.String()
}

// shape is "4 × 24 × 24".
func shape(dims []int) string {
	words := make([]string, len(dims))
	for i, d := range dims {
		words[i] = number(d)
	}
	return strings.Join(words, " × ")
}

// shorten cuts a name to n letters.
func shorten(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
