package tune_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"qtool/pipeline"
	"qtool/recipe"
	"qtool/tune"
)

// A few candidates of a small recipe's bits are tried; the best that is left after
// rounding has a run folder of its own.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "search")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	r, err := recipe.Load("../pipeline/testdata/tiny.yaml", nil)
	if err != nil {
		log.Fatal(err)
	}
	found, err := tune.Run(context.Background(), tune.Options{Options: pipeline.Options{Recipe: r, Dir: dir}, Candidates: 4, Front: 1})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(found.Candidates), "candidates;", found.Front[0].Folder, "is", found.Front[0].Set[0])
	// Output: 4 candidates; points/5-5-5 is quantize.input.bits=5
}
