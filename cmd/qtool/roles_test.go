package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"math/bits"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"qtool/bundle"
	"qtool/datasets"
	"qtool/datasets/samples"
	"qtool/he/wire"
)

// mode demands the permissions of a file: mode 600 FILE.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s", args[1], got)
	}
}

// pixels writes the pixels of the first test images of a dataset: pixels digits 3 FILE.
func pixels(ts *testscript.TestScript, neg bool, args []string) {
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	d, err := datasets.Load(context.Background(), args[0], datasets.Options{Offline: true})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), d.Test.First(n).Images, 0o644))
}

// reference compares answers that qtool decrypt --json printed with the integer program's
// on the first test samples of digits, or another dataset: reference BUNDLE answers.json N
// [DATA]. Integers must be equal. Reals may be off by a share of the largest of them, and a label may only where
// the answer is undecided.
func reference(ts *testscript.TestScript, neg bool, args []string) {
	f, err := bundle.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	name := "digits"
	if len(args) > 3 {
		name = args[3]
	}
	e, err := f.ClientEncoder()
	ts.Check(err)
	all, err := samples.Test(context.Background(), name, e, datasets.Options{Offline: true})
	ts.Check(err)
	next, stop := iter.Pull2(all.All)
	defer stop()
	var v decryptView
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[1])), &v))
	if fmt.Sprint(len(v.Answers), v.Samples) != args[2]+" "+args[2] {
		ts.Fatalf("%d answers, %d samples, want %s", len(v.Answers), v.Samples, args[2])
	}
	run, err := bundle.NewRunner(f.Program)
	ts.Check(err)
	out := f.Program.Output()
	undecided := 0
	for i, got := range v.Answers {
		tensor, err, _ := next()
		ts.Check(err)
		want, err := run.Run(f.Program.Input.Sample(tensor).Vec(), nil)
		ts.Check(err)
		largest := 0.0
		for k := range got.Scores {
			largest = math.Max(largest, math.Abs(out.Real(want, k)))
		}
		for k, x := range got.Scores {
			if off := math.Abs(x - out.Real(want, k)); off > largest/64 || got.Integers != nil && (off != 0 || got.Integers[k] != want.At(k).String()) {
				ts.Fatalf("sample %d, output %d: %v %v, want %v %v", i, k, x, got.Integers, out.Real(want, k), want.At(k))
			}
		}
		if got.Undecided {
			undecided++
		}
		if label := out.Argmax(want); !got.Undecided && (got.Class != label || got.Label != f.Program.Labels[label]) {
			ts.Fatalf("sample %d is %s, want %d", i, got.Label, label)
		}
	}
	if exact := v.Answers[0].Integers != nil; undecided != v.Undecided || exact != (v.Backend != "packed-ckks") {
		ts.Fatalf("%d undecided of %d, integers are there: %v", undecided, v.Undecided, exact)
	}
}

// payload is the payload of the first object in a file.
func payload(ts *testscript.TestScript, name string) []byte {
	in, err := wire.Open(strings.NewReader(ts.ReadFile(name)))
	ts.Check(err)
	b := in.NewBytes(int(in.Object().Length))
	ts.Check(in.End())
	return b
}

// windows are up to n pieces of b, each of so many bytes of at least 3 kinds: what does not
// occur by chance.
func windows(b []byte, n, size int) (all [][]byte) {
	step := max(1, (len(b)-size)/n)
	for at := 0; at+size <= len(b) && len(all) < n; at += step {
		var kinds [4]uint64
		for _, x := range b[at : at+size] {
			kinds[x/64] |= 1 << (x % 64)
		}
		different := 0
		for _, k := range kinds {
			different += bits.OnesCount64(k)
		}
		if different >= 3 {
			all = append(all, b[at:at+size])
		}
	}
	return all
}

// found is the first of the pieces that is in b.
func found(b []byte, pieces [][]byte) ([]byte, bool) {
	i := slices.IndexFunc(pieces, func(p []byte) bool { return bytes.Contains(b, p) })
	if i < 0 {
		return nil, false
	}
	return pieces[i], true
}

// hides demands that no bytes of a secret key are in files: hides KEY FILE...
func hides(ts *testscript.TestScript, neg bool, args []string) {
	pieces := windows(payload(ts, args[0]), 64, 32)
	if len(pieces) < 16 {
		ts.Fatalf("%d pieces of %s", len(pieces), args[0])
	}
	if _, ok := found([]byte(ts.ReadFile(args[0])), pieces); !ok {
		ts.Fatalf("the secret key is not found where it is")
	}
	for _, name := range args[1:] {
		if piece, ok := found([]byte(ts.ReadFile(name)), pieces); ok {
			ts.Fatalf("%s has %x of the secret key", name, piece)
		}
	}
}

// weightless demands that no weights of a bundle are in a client half, in any of the forms
// in which one of them is in the server half: weightless BUNDLE SERVER CLIENT.
func weightless(ts *testscript.TestScript, neg bool, args []string) {
	f, err := bundle.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	varied := func(weights []int32) bool { return len(slices.Compact(slices.Sorted(slices.Values(weights)))) >= 4 }
	var pieces [][]byte
	for _, n := range f.Program.Nodes {
		var weights []int32
		switch op := n.Op.(type) {
		case *bundle.Dense:
			weights = op.Weight
		case *bundle.Conv2D:
			weights = op.Weight
		}
		var forms [5][]byte
		for _, w := range weights {
			forms[0] = append(forms[0], byte(w))
			forms[1] = binary.LittleEndian.AppendUint16(forms[1], uint16(w))
			forms[2] = binary.LittleEndian.AppendUint32(forms[2], uint32(w))
			forms[3] = binary.LittleEndian.AppendUint64(forms[3], uint64(w))
			forms[4] = fmt.Appendf(forms[4], "%d,", w)
		}
		for i, form := range forms {
			width := []int{1, 2, 4, 8, 2}[i]
			for at := 0; at+24*width <= len(form); at += 24 * width {
				if i < 4 && varied(weights[at/width:][:24]) || i == 4 && len(windows(form[at:at+48], 1, 48)) > 0 {
					pieces = append(pieces, form[at:at+24*width])
				}
			}
		}
	}
	if len(pieces) < 50 {
		ts.Fatalf("%d pieces of weights", len(pieces))
	}
	if _, ok := found([]byte(ts.ReadFile(args[1])), pieces); !ok {
		ts.Fatalf("%s has no weights in a form that is known", args[1])
	}
	if piece, ok := found([]byte(ts.ReadFile(args[2])), pieces); ok {
		ts.Fatalf("%s has the weights %x", args[2], piece)
	}
}
