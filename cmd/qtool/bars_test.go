package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"qtool/datasets"
)

// bars DIR IMAGES FIRST [sorted] makes a folder of 6x6 images of three classes, a
// bright bar each, whose labels count from FIRST; sorted, class by class.
func bars(ts *testscript.TestScript, _ bool, args []string) {
	images, err := strconv.Atoi(args[1])
	ts.Check(err)
	first, err := strconv.Atoi(args[2])
	ts.Check(err)
	dir := ts.MkAbs(args[0])
	ts.Check(os.MkdirAll(dir, 0o755))
	x := uint32(7)
	for _, part := range []struct {
		name   string
		images int
	}{{"train", images}, {"t10k", 30}} {
		var pixels, labels []uint8
		for i := range part.images {
			class := i % 3
			if slices.Contains(args, "sorted") {
				class = 3 * i / part.images
			}
			for p := range 36 {
				x = x*1664525 + 1013904223
				v := uint8(x>>27) + uint8(20*class)
				if p/12 == class {
					v += 120
				}
				pixels = append(pixels, v)
			}
			labels = append(labels, uint8(first+class))
		}
		for name, a := range map[string]*datasets.IDX{
			part.name + "-images-idx3-ubyte": {Shape: []int{part.images, 6, 6}, Data: pixels},
			part.name + "-labels-idx1-ubyte": {Shape: []int{part.images}, Data: labels},
		} {
			f, err := os.Create(filepath.Join(dir, name))
			ts.Check(err)
			ts.Check(datasets.WriteIDX(f, a))
			ts.Check(f.Close())
		}
	}
}
