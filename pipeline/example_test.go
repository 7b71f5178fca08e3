package pipeline_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"qtool/pipeline"
	"qtool/recipe"
)

// A recipe is run in a temporary folder: trained, quantized, exported, and verified on
// encrypted images.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "run")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	r, err := recipe.Load("testdata/tiny.yaml", []string{"seed=3"})
	if err != nil {
		log.Fatal(err)
	}
	o, err := pipeline.Run(context.Background(), pipeline.Options{Recipe: r, Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(o.Report.Images, "images encrypted,", o.Report.LogitMismatches, "logits differ")
	// Output: 20 images encrypted, 0 logits differ
}
