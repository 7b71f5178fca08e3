package qtool_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// drawn are the folders whose floats are pictures and timings, which no result
// depends on.
var drawn = []string{"report", "bench", "tune/picture", "approx/compare/picture", "cmd"}

func isDrawn(folder string) bool {
	return slices.ContainsFunc(drawn, func(d string) bool { return under(folder, d) })
}

// fused is an instruction of arm64 that multiplies and adds with one rounding.
var fused = regexp.MustCompile(`\t(FN?MADD|FN?MSUB|VFML[AS])[DSH]? `)

// The compiler may turn x*y + z into one instruction that rounds once, also
// where product and sum are statements apart, wherever the architecture has one:
// arm64 has, and amd64 with GOAMD64=v3. Results would then depend on the
// processor. A conversion, float64(x*y) + z, forbids it; math.FMA means it.
//
// The test compiles the packages for arm64, on any machine, and looks for such
// instructions on lines that do not call math.FMA.
func TestNothingIsFused(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for another architecture")
	}
	lines := map[string][]string{} // of source files, by path in this module
	found, intended := 0, 0
	for folder, archive := range archives(t) {
		found++
		dis := exec.Command("go", "tool", "objdump", archive)
		out, err := dis.Output()
		if err != nil {
			t.Fatalf("%v: %v", dis, err)
		}
		function := ""
		s := bufio.NewScanner(bytes.NewReader(out))
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			line := s.Text()
			if rest, ok := strings.CutPrefix(line, "TEXT "); ok {
				function, _, _ = strings.Cut(rest, "(SB)")
				continue
			}
			if !fused.MatchString(line) {
				continue
			}
			place, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			if place = source(lines, folder, strings.TrimSpace(place)); strings.Contains(place, "math.FMA(") {
				intended++
				continue
			}
			t.Errorf("%s: %s is fused: convert the product, as float64(x*y), or call math.FMA", function, place)
		}
		if err := s.Err(); err != nil {
			t.Fatal(err)
		}
	}
	if found < 30 || intended == 0 {
		t.Errorf("found %d packages of this module and %d intended instructions: this test looks in the wrong place", found, intended)
	}
}

// archives are the packages that results depend on, compiled for arm64, by folder.
func archives(t *testing.T) map[string]string {
	t.Helper()
	args := []string{"list", "-export", "-f", "{{.ImportPath}} {{.Export}}"}
	for path := range packages(t) {
		if folder, ok := local(path); ok && !isDrawn(folder) {
			args = append(args, path)
		}
	}
	list := exec.Command("go", args...)
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0", "GOFLAGS=")
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("%v: %v", list, err)
	}
	archives := map[string]string{}
	for line := range strings.Lines(string(out)) {
		path, archive, _ := strings.Cut(strings.TrimSpace(line), " ")
		if folder, ok := local(path); ok && archive != "" {
			archives[folder] = archive
		}
	}
	return archives
}

// source is the text of a place, as file.go:12, with its path: of the package in
// folder, or of the elementary functions where one of theirs is inlined there.
func source(lines map[string][]string, folder, place string) string {
	name, number, _ := strings.Cut(place, ":")
	n, err := strconv.Atoi(number)
	if err != nil || name == "" {
		return place
	}
	candidates := []string{filepath.Join(folder, name), filepath.Join("internal/elementary", name)}
	for _, path := range candidates {
		if _, ok := lines[path]; !ok {
			b, _ := os.ReadFile(path)
			lines[path] = strings.Split(string(b), "\n")
		}
		if n <= len(lines[path]) && strings.Contains(lines[path][n-1], "math.FMA(") {
			return path + ":" + number + ": " + lines[path][n-1]
		}
	}
	if l := lines[candidates[0]]; n <= len(l) {
		return candidates[0] + ":" + number + ": " + strings.TrimSpace(l[n-1])
	}
	return place
}
