package samples_test

import (
	"context"
	"fmt"

	"qtool/datasets"
	"qtool/datasets/samples"
	"qtool/encode"
)

// The first two test digits, as a network of pictures takes them.
func ExampleTest() {
	e, err := encode.NewPixels([]int{1, 28, 28}, nil, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	all, err := samples.Test(context.Background(), "digits", e, datasets.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	two, err := all.First(2)
	if err != nil {
		fmt.Println(err)
		return
	}
	for tensor, err := range two.All {
		fmt.Println(len(tensor), err)
	}
	// Output:
	// 784 <nil>
	// 784 <nil>
}
