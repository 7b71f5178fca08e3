package main

import (
	"runtime"
	"runtime/debug"
)

// version is qtool's own.
const version = "0.1.0"

// versions names what made a result: qtool, Go, and the libraries that touch
// the numbers.
func versions() map[string]string {
	v := map[string]string{"qtool": version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, d := range info.Deps {
		switch d.Path {
		case "gorgonia.org/gorgonia", "gorgonia.org/tensor", "gonum.org/v1/gonum", "github.com/tuneinsight/lattigo/v5":
			v[d.Path] = d.Version
		}
	}
	return v
}
