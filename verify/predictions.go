package verify

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Predictions are the label indices that a stage answers, one an image. Their
// JSON form is made for people and diffs: up to 36 classes are a digit or letter
// each ("0".."9", "a".."z"), 100 images a string; more classes are numbers.
type Predictions []int

const predictionsPerLine = 100

// MarshalJSON implements json.Marshaler.
func (p Predictions) MarshalJSON() ([]byte, error) {
	if p == nil {
		return []byte("null"), nil
	}
	lines := make([]string, 0, len(p)/predictionsPerLine+1)
	var line strings.Builder
	for i, c := range p {
		if c < 0 || c >= 36 {
			return json.Marshal([]int(p))
		}
		line.WriteString(strconv.FormatInt(int64(c), 36))
		if i%predictionsPerLine == predictionsPerLine-1 || i == len(p)-1 {
			lines = append(lines, line.String())
			line.Reset()
		}
	}
	return json.Marshal(lines)
}

// UnmarshalJSON implements json.Unmarshaler; it refuses anything but those two
// forms.
func (p *Predictions) UnmarshalJSON(b []byte) error {
	var lines []string
	if err := json.Unmarshal(b, &lines); err != nil {
		var numbers []int
		if err := json.Unmarshal(b, &numbers); err != nil {
			return fmt.Errorf("verify: predictions are neither strings nor numbers")
		}
		*p = numbers
		return nil
	}
	if lines == nil {
		*p = nil
		return nil
	}
	out := Predictions{}
	for _, line := range lines {
		for _, r := range line {
			c, err := strconv.ParseInt(string(r), 36, 32)
			if err != nil {
				return fmt.Errorf("verify: prediction %q is no digit or letter", r)
			}
			out = append(out, int(c))
		}
	}
	*p = out
	return nil
}
