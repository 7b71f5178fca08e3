package verify

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// numberLines is the JSON form of a list of float32: strings of perLine numbers each,
// separated by spaces, with so many significant digits; -1 stands for the fewest that
// give the same float32 back. An empty list is [], as nil is.
func numberLines(list []float32, perLine, digits int) ([]byte, error) {
	lines := make([]string, 0, len(list)/perLine+1)
	for from := 0; from < len(list); from += perLine {
		var words []string
		for _, x := range list[from:min(from+perLine, len(list))] {
			words = append(words, strconv.FormatFloat(float64(x), 'g', digits, 32))
		}
		lines = append(lines, strings.Join(words, " "))
	}
	return json.Marshal(lines)
}

// readNumberLines reads the form of numberLines, with any number of numbers a string.
// The JSON null gives nil. A word that is no float32 number is an error that calls it what.
func readNumberLines(b []byte, what string) ([]float32, error) {
	var lines []string
	if err := json.Unmarshal(b, &lines); err != nil || lines == nil {
		return nil, err
	}
	list := []float32{}
	for _, line := range lines {
		for _, word := range strings.Fields(line) {
			x, err := strconv.ParseFloat(word, 32)
			if err != nil {
				return nil, fmt.Errorf("verify: %s %q is no float32 number", what, word)
			}
			list = append(list, float32(x))
		}
	}
	return list, nil
}
