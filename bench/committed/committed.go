// Package committed has the figures that docs/performance.md shows: a result of `qtool
// bench --json` for each class of processors, which is the level of the kernels in use. A
// machine's own figures stand beside them with `qtool bench --compare`, and the tables of
// the document are written from them. To renew them on a quiet machine:
//
//	qtool bench --json >bench/committed/ifma.json
//	QTOOL_CPU=avx2 qtool bench --json >bench/committed/avx2.json
//	go generate ./bench/committed
package committed

//go:generate go run qtool/bench/committed/tables

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"qtool/bench"
)

//go:embed *.json
var files embed.FS

// ErrClass says that there are no figures of a class.
var ErrClass = errors.New("no figures are committed for this class of processors")

// Classes are the names of the classes that there are figures of, in alphabetical order.
func Classes() (all []string) {
	names, err := fs.Glob(files, "*.json")
	if err != nil {
		panic(err) // the pattern is right
	}
	for _, name := range names {
		all = append(all, strings.TrimSuffix(name, ".json"))
	}
	return all
}

// Of is the committed result of a class: the kernels in use by their level's name, such as
// "ifma". The error is ErrClass with the class's name, where there is none.
func Of(class string) (*bench.Result, error) {
	if !slices.Contains(Classes(), class) {
		return nil, fmt.Errorf("kernels %s: %w: there are %s", class, ErrClass, strings.Join(Classes(), ", "))
	}
	b, err := files.ReadFile(class + ".json")
	if err != nil {
		return nil, fmt.Errorf("committed figures: %w", err)
	}
	r := &bench.Result{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("committed figures of %s: %w", class, err)
	}
	return r, nil
}
