package cputest

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"

	"qtool/kernel/cpu"
)

func TestMain(m *testing.M) { Main(m) }

// This run's levels, for readers of go test -v ./kernel/...
func TestLevels(t *testing.T) {
	got := Levels(t, cpu.IFMA)
	if len(got) != int(cpu.Detected)+1 || !slices.IsSorted(got) || got[len(got)-1] != cpu.Detected {
		t.Errorf("levels %v, the processor has %v", got, cpu.Detected)
	}
	if most := Levels(t, cpu.Portable); !slices.Equal(most, []cpu.Level{cpu.Portable}) {
		t.Errorf("levels up to portable are %v", most)
	}
}

func TestSummary(t *testing.T) {
	for level, want := range map[cpu.Level]string{
		cpu.Portable: "levels that run here: portable; NOT RUN, as the processor lacks them: avx2 avx512 ifma",
		cpu.AVX2:     "levels that run here: portable, avx2; NOT RUN, as the processor lacks them: avx512 ifma",
		cpu.IFMA:     "levels that run here: portable, avx2, avx512, ifma",
	} {
		if got := summary(level); got != want {
			t.Errorf("%v: %q, want %q", level, got, want)
		}
	}
}

// Tests end with one message and status 1 if they cannot follow the variables.
func TestVariables(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	run := func(variables ...string) (string, bool) {
		c := exec.Command(self, "-test.run=^TestSummary$")
		c.Env = append(os.Environ(), append([]string{cpu.Variable + "=", cpu.RequireVariable + "="}, variables...)...)
		out, err := c.CombinedOutput()
		if errors.Is(err, syscall.ENOEXEC) {
			t.Skip("this is an emulated processor, whose programs the machine cannot start")
		}
		var status *exec.ExitError
		if err != nil && (!errors.As(err, &status) || status.ExitCode() != 1) {
			t.Fatalf("%v: %v", variables, err)
		}
		return string(out), err == nil
	}
	for _, good := range []string{"QTOOL_CPU=portable", "QTOOL_REQUIRE=portable"} {
		if out, ok := run(good); !ok || !strings.Contains(out, "levels that run here: portable") {
			t.Errorf("%s: %q", good, out)
		}
	}
	for _, bad := range []string{"QTOOL_CPU=sse", "QTOOL_REQUIRE=sse"} {
		variable, _, _ := strings.Cut(bad, "=")
		if out, ok := run(bad); ok || out != variable+`="sse" is unknown: want portable, avx2, avx512 or ifma`+"\n" {
			t.Errorf("%s: %q", bad, out)
		}
	}
	if cpu.Detected < cpu.IFMA {
		for _, variable := range []string{cpu.Variable, cpu.RequireVariable} {
			out, ok := run(variable + "=ifma")
			if !ok && strings.HasPrefix(out, variable+"=ifma: ") && strings.HasSuffix(out, " at most\n") && strings.Count(out, "\n") == 1 {
				continue
			}
			// Programs that an emulated processor starts may run on the real one.
			if ok && strings.Contains(out, "levels that run here: portable, avx2, avx512, ifma") {
				continue
			}
			t.Errorf("%s=ifma: %q", variable, out)
		}
	}
}
