package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"qtool/kernel/cpu"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"qtool": func() { os.Exit(run()) }})
}

// TestScripts runs the command as a user does. The scripts that need the real
// MNIST files have the condition [mnist], those that need the sample of colour
// pictures [colours].
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			// An empty home: nothing of the user's cache, and no download.
			e.Setenv("XDG_CACHE_HOME", e.WorkDir+"/cache")
			e.Setenv("QTOOL_DATA", absolute(os.Getenv("QTOOL_DATA")))
			e.Setenv("DIGITS", absolute("he/choose/testdata/digits.qb"))
			e.Values[servicesKey] = scriptedServices{}
			e.Setenv("BEFORE", absolute("cmd/qtool/testdata/before-graphs"))
			return nil
		},
		Condition: func(cond string) (bool, error) {
			if cond == "mnist" {
				_, err := os.Stat(absolute(os.Getenv("QTOOL_DATA")) + "/mnist/t10k-images-idx3-ubyte.gz")
				return err == nil, nil
			}
			if cond == "ifma" { // scripts do not see QTOOL_CPU
				return cpu.Detected == cpu.IFMA, nil
			}
			if cond == "colours" {
				_, err := os.Stat(absolute(os.Getenv("QTOOL_DATA")) + coloursFile)
				return err == nil, nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status": status, "jsonhas": jsonHas, "flip": flip, "truncate": truncate, "waitfor": waitFor, "sentencebundle": sentenceBundle, "samehash": sameHash, "samesearch": sameSearch,
			"bars": bars,
			"mode": mode, "pixels": pixels, "reference": reference, "hides": hides, "weightless": weightless,
			"foreign": foreign,
			"colours": colours,
			"service": serviceCommand, "stop": stopCommand, "certificate": certificate, "filecount": fileCount, "counted": counted,
		},
	})
}

// absolute resolves a path given relative to the folder go test was called in,
// which is the module's root.
func absolute(path string) string {
	if path == "" || strings.HasPrefix(path, "/") {
		return path
	}
	dir, err := os.Getwd()
	if err != nil {
		return path
	}
	return dir + "/../../" + path
}

// status runs a command and demands its exact exit code: status 12 qtool run.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE command args...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		coded, ok := err.(interface{ ExitCode() int })
		if !ok {
			ts.Fatalf("%v", err)
		}
		got = coded.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// jsonHas compares a value in a JSON file: jsonhas report.json accuracy.float 0.5.
// A value that starts with > or < is a bound.
func jsonHas(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: jsonhas FILE path value")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	for _, key := range strings.Split(args[1], ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[key]
		case []any:
			i, err := strconv.Atoi(key)
			ts.Check(err)
			v = node[i]
		default:
			ts.Fatalf("%s: nothing below %q", args[1], key)
		}
	}
	ok := fmt.Sprint(v) == args[2]
	if bound, err := strconv.ParseFloat(strings.TrimLeft(args[2], "<>"), 64); err == nil {
		x, isNumber := v.(float64)
		switch args[2][0] {
		case '>':
			ok = isNumber && x > bound
		case '<':
			ok = isNumber && x < bound
		}
	}
	if ok == neg {
		ts.Fatalf("%s: %s is %v, compared with %s", args[0], args[1], v, args[2])
	}
}

// sameHash demands that two plans printed as JSON have one hash, or that they do not.
func sameHash(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: samehash FILE FILE")
	}
	var hashes [2]struct{ Hash string }
	for i, name := range args {
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(name)), &hashes[i]))
		if len(hashes[i].Hash) != 64 {
			ts.Fatalf("%s: hash %q", name, hashes[i].Hash)
		}
	}
	if (hashes[0] == hashes[1]) == neg {
		ts.Fatalf("plans %s and %s", hashes[0].Hash, hashes[1].Hash)
	}
}

// sameSearch demands that two searches tried, kept and predicted the same, but for
// seconds.
func sameSearch(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: samesearch FILE FILE")
	}
	var reports [2]string
	for i, name := range args {
		var v map[string]any
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(name)), &v))
		front, ok := v["front"].([]any)
		if !ok || len(front) == 0 {
			ts.Fatalf("%s has no front", name)
		}
		for _, c := range front {
			delete(c.(map[string]any), "predicted_seconds")
		}
		b, err := json.Marshal(map[string]any{"front": front, "candidates": v["candidates"]})
		ts.Check(err)
		reports[i] = string(b)
	}
	if reports[0] != reports[1] {
		ts.Fatalf("%s and %s differ:\n%s\n%s", args[0], args[1], reports[0], reports[1])
	}
}

// flip changes one bit in the middle of a file.
func flip(ts *testscript.TestScript, neg bool, args []string) {
	b := []byte(ts.ReadFile(args[0]))
	b[len(b)/2] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b, 0o644))
}

// waitFor waits until a file is there.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	for range 1000 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	ts.Fatalf("%s did not appear", args[0])
}

// truncate cuts a file in half.
func truncate(ts *testscript.TestScript, neg bool, args []string) {
	b := []byte(ts.ReadFile(args[0]))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), b[:len(b)/2], 0o644))
}
