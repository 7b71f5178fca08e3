package report

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
)

// TestContrast demands 4.5 : 1 between text and what is behind it in both
// themes, the level AA of the Web Content Accessibility Guidelines 2.2, 1.4.3.
func TestContrast(t *testing.T) {
	light, dark, ok := strings.Cut(style, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("the style sheet has no dark theme")
	}
	for name, css := range map[string]string{"light": light, "dark": dark} {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]+);`).FindAllStringSubmatch(css, -1) {
			if _, first := colours[m[1]]; !first {
				colours[m[1]] = m[2]
			}
		}
		for _, text := range []string{"ink", "muted", "main", "good", "bad"} {
			for _, behind := range []string{"page", "card", "open-wash", "good-wash", "bad-wash", "part-wash"} {
				if c := contrast(colours[text], colours[behind]); c < 4.5 {
					t.Errorf("%s: %s on %s has contrast %.2f, want 4.5", name, text, behind, c)
				}
			}
		}
		for _, line := range []string{"main", "warm", "plain"} { // 1.4.11
			if c := contrast(colours[line], colours["card"]); c < 3 {
				t.Errorf("%s: lines of %s have contrast %.2f, want 3", name, line, c)
			}
		}
	}
}

// contrast is WCAG's contrast ratio of two colours of 3 or 6 hexadecimal digits.
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(hex string) float64 {
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		var v int
		fmt.Sscanf(hex[2*i:2*i+2], "%x", &v)
		c := float64(v) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
