package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"qtool/internal/safetensors"
)

// foreign FROM TO [OLD=NEW]... writes the tensors of a checkpoint as another tool
// would: without metadata of ours, in another order, with blanks, and renamed.
func foreign(ts *testscript.TestScript, _ bool, args []string) {
	b, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	tensors, _, err := safetensors.ReadForeign(b, safetensors.DefaultLimits)
	ts.Check(err)
	slices.Reverse(tensors)
	var entries []string
	var data []byte
	for _, t := range tensors {
		name := t.Name
		for _, r := range args[2:] {
			from, to, _ := strings.Cut(r, "=")
			name = strings.ReplaceAll(name, from, to)
		}
		shape := strings.ReplaceAll(fmt.Sprint(t.Shape), " ", ", ")
		entries = append(entries, fmt.Sprintf("%q: {\"shape\": %s, \"data_offsets\": [%d, %d], \"dtype\": %q}", name, shape, len(data), len(data)+len(t.Data), t.DType))
		data = append(data, t.Data...)
	}
	header := "{" + strings.Join(entries, ",\n ") + "}  "
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), slices.Concat(out, []byte(header), data), 0o644))
}
