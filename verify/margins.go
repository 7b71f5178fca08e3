package verify

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Margins are one number an image, to four significant digits in JSON: 20 a
// string, separated by spaces.
type Margins []float32

const marginsPerLine = 20

// MarshalJSON implements json.Marshaler.
func (m Margins) MarshalJSON() ([]byte, error) {
	lines := make([]string, 0, len(m)/marginsPerLine+1)
	for from := 0; from < len(m); from += marginsPerLine {
		var words []string
		for _, x := range m[from:min(from+marginsPerLine, len(m))] {
			words = append(words, strconv.FormatFloat(float64(x), 'g', 4, 32))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return json.Marshal(lines)
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *Margins) UnmarshalJSON(b []byte) error {
	var lines []string
	if err := json.Unmarshal(b, &lines); err != nil {
		return err
	}
	out := Margins{}
	for _, line := range lines {
		for _, word := range strings.Fields(line) {
			x, err := strconv.ParseFloat(word, 32)
			if err != nil {
				return fmt.Errorf("verify: margin %q is no number", word)
			}
			out = append(out, float32(x))
		}
	}
	*m = out
	return nil
}
