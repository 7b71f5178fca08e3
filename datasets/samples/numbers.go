package samples

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"

	"qtool/encode"
	"qtool/task"
)

// NumbersPrefix begins the name of a file for Numbers.
const NumbersPrefix = "numbers:"

// mostNumber bounds a number's text, in bytes; offByte how far from a byte divided by 255
// a number may be, in units of 1/255: what rounding in print leaves.
const (
	mostNumber = 32
	offByte    = 0.02
)

// Numbers are the pictures of a text, read as they are asked for: a line each, with the
// pixels in 0..1, channel by channel and row by row, separated by blanks or commas. Each is
// a byte divided by 255, as it was printed; another number is an error.
func Numbers(name string, r io.Reader, e encode.Encoder) (*Samples, error) {
	if e.Kind() != encode.KindPixels {
		return nil, fmt.Errorf("%s: numbers are pictures, the network takes sentences", name)
	}
	size := volume(e.Shape())
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, 1<<16), 1<<10+mostNumber*size)
	picture := make([]byte, size)
	return stream(name, task.Image, e, func() ([]byte, error) {
		if !lines.Scan() {
			if err := lines.Err(); err != nil {
				return nil, err
			}
			return nil, io.EOF
		}
		fields := bytes.FieldsFunc(lines.Bytes(), func(c rune) bool { return c == ' ' || c == '\t' || c == ',' || c == '\r' })
		if len(fields) != size {
			return nil, fmt.Errorf("the line has %d numbers, a picture of shape %v has %d", len(fields), e.Shape(), size)
		}
		for i, f := range fields {
			x, err := strconv.ParseFloat(string(f), 64)
			b := math.RoundToEven(255 * x)
			if err != nil || !(b >= 0 && b <= 255 && math.Abs(float64(255*x)-b) <= offByte) {
				return nil, fmt.Errorf("number %d is %.*q, want a byte divided by 255, in 0..1", i, mostNumber, f)
			}
			picture[i] = byte(b)
		}
		return picture, nil
	}), nil
}
