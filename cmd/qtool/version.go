package main

import (
	"runtime"
	"runtime/debug"
	"slices"

	"qtool/kernel/cpu"
)

// version is qtool's own.
const version = "0.1.0"

// versions names what made a report: everything that touched its figures.
func versions() map[string]string {
	v := trainingVersions()
	v["go"] = runtime.Version()
	v["platform"] = runtime.GOOS + "/" + runtime.GOARCH
	v["kernels"] = "training: gonum float32 level 1; encrypted: " + cpu.Active.String()
	addModules(v, "github.com/tuneinsight/lattigo/v5")
	return v
}

// trainingVersions names what made a bundle: qtool and the libraries that train.
// The toolchain is left out, so that another patch release of it, which gives
// the same weights, gives the same bundle.
func trainingVersions() map[string]string {
	v := map[string]string{"qtool": version}
	addModules(v, "gorgonia.org/gorgonia", "gorgonia.org/tensor", "gonum.org/v1/gonum")
	return v
}

func addModules(v map[string]string, paths ...string) {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if slices.Contains(paths, d.Path) {
				v[d.Path] = d.Version
			}
		}
	}
}
