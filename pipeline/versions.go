package pipeline

import (
	"runtime"
	"runtime/debug"
	"slices"

	"qtool/kernel/cpu"
	"qtool/kernel/f32"
)

// Version is qtool's own.
const Version = "0.1.0"

// versions names what made a report: everything that touched its figures.
func versions() map[string]string {
	v := trainingVersions()
	v["go"] = runtime.Version()
	v["platform"] = runtime.GOOS + "/" + runtime.GOARCH
	v["kernels"] = "training: " + f32.Name() + "; encrypted: " + cpu.Active.String()
	addModules(v, "github.com/tuneinsight/lattigo/v5")
	return v
}

// trainingVersions names what made a bundle: qtool and the libraries that train.
// The toolchain and the kernels are left out, so that another patch release or
// another processor, which give the same weights, give the same bundle.
func trainingVersions() map[string]string {
	v := map[string]string{"qtool": Version}
	addModules(v, "gorgonia.org/gorgonia", "gorgonia.org/tensor")
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
