package encode_test

import (
	"fmt"
	"slices"

	"qtool/encode"
)

// A picture of one channel, with the mean and the deviation of MNIST.
func ExamplePixels() {
	e, err := encode.NewPixels([]int{1, 1, 3}, []float32{0.1307}, []float32{0.3081})
	if err != nil {
		fmt.Println(err)
		return
	}
	tensor, err := e.Encode([]byte{0, 128, 255})
	fmt.Println(tensor, err)
	_, err = e.Encode([]byte{0})
	fmt.Println(err)
	// Output:
	// [-0.42421296 1.2050011 2.8214867] <nil>
	// encode: a picture of 1 bytes, want 3 for shape [1 1 3]
}

// A sentence of three words, two of them known, in two steps of one number each. The
// tensor's unit is 1/255.
func ExampleText() {
	words := encode.NewVocabulary(slices.Values([][]string{{"a", "good", "film"}}), nil, 1)
	e := &encode.Text{
		Vocabulary: words, Selection: encode.Selection{Kind: "first", Steps: 2}, Bits: 4, Dimensions: 1,
		Vectors: []int16{0, 1, 5}, // a, film, good
	}
	s, err := e.Sentence("Good old film")
	fmt.Println(s.Words, s.Known, s.Steps, s.Bytes, err)
	// Output: 3 2 [[good] [film]] [13 9] <nil>
}
