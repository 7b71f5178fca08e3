// Package samebits is for tests that a result is the same to the last bit on every
// processor, at every level of vector instructions, on any number of cores.
package samebits

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"qtool/kernel/cpu"
)

// variable marks the processes that Check starts.
const variable = "QTOOL_TEST_PRINT_HASH"

// Check fails unless the SHA-256 of what result writes is want: here; on one core;
// and, but for -short, at every other level that this processor has, each in a
// process of its own that runs this test alone. Other architectures are compared by
// running the test there.
//
// Kernels of f32, which is what results are made of, know no level above AVX512.
func Check(t *testing.T, want string, result func(w io.Writer)) {
	t.Helper()
	hash := func() string {
		h := sha256.New()
		result(h)
		return hex.EncodeToString(h.Sum(nil))
	}
	if os.Getenv(variable) != "" {
		fmt.Println(variable, hash())
		return
	}
	if err := cpu.Err(); err != nil {
		t.Fatal(err)
	}
	if got := hash(); got != want {
		t.Errorf("on %s at level %v: the result has hash %s, want %s", runtime.GOARCH, cpu.Active, got, want)
	}
	if testing.Short() {
		return
	}
	cores := runtime.GOMAXPROCS(1)
	got := hash()
	runtime.GOMAXPROCS(cores)
	if got != want {
		t.Errorf("on one core: the result has hash %s, want %s", got, want)
	}
	for l := cpu.Portable; l <= min(cpu.Detected, cpu.AVX512); l++ {
		if l == min(cpu.Active, cpu.AVX512) {
			continue
		}
		if got := at(t, l); got != want {
			t.Errorf("at level %v: the result has hash %s, want %s", l, got, want)
		}
	}
}

// at is the hash that this test's process prints at a level.
func at(t *testing.T, l cpu.Level) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var exact []string // a part of -run for every part of the name
	for part := range strings.SplitSeq(t.Name(), "/") {
		exact = append(exact, "^"+regexp.QuoteMeta(part)+"$")
	}
	c := exec.Command(self, "-test.run="+strings.Join(exact, "/"), "-test.count=1")
	c.Env = append(os.Environ(), variable+"=1", cpu.Variable+"="+l.String())
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("at level %v: %v\n%s", l, err, out)
	}
	for line := range strings.Lines(string(out)) {
		if hash, ok := strings.CutPrefix(line, variable+" "); ok {
			return strings.TrimSpace(hash)
		}
	}
	t.Fatalf("at level %v the test printed no hash:\n%s", l, out)
	return ""
}

// Write writes numbers, or slices of them, by their bits.
func Write(w io.Writer, values ...any) {
	for _, v := range values {
		if err := binary.Write(w, binary.LittleEndian, v); err != nil {
			panic(err)
		}
	}
}
