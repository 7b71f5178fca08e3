// Package cputest is for tests of kernels: they run at every level that the
// processor has, and say which levels they could not run.
//
// QTOOL_REQUIRE=LEVEL makes it a failure if a level up to that one is missing. Go
// hides what passing packages print; -v shows it. Go also keeps results of tests
// that do not look at these variables after they have begun: use -count=1 with them.
package cputest

import (
	"fmt"
	"os"
	"testing"

	"qtool/kernel/cpu"
)

// Main runs a package's tests behind a line on standard error that names the levels
// which this processor has and those it lacks. It ends the program with status 1 and
// one message if QTOOL_CPU or QTOOL_REQUIRE cannot be followed.
//
//	func TestMain(m *testing.M) { cputest.Main(m) }
func Main(m *testing.M) {
	if err := cpu.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Fprintln(os.Stderr, Summary())
	os.Exit(m.Run())
}

// Summary says in a line which levels tests run here, and which they cannot.
func Summary() string { return summary(cpu.Detected) }

func summary(have cpu.Level) string {
	s := "levels that run here: " + cpu.Portable.String()
	for l := cpu.AVX2; l <= have; l++ {
		s += ", " + l.String()
	}
	if have == cpu.IFMA {
		return s
	}
	s += "; NOT RUN, as the processor lacks them:"
	for l := have + 1; l <= cpu.IFMA; l++ {
		s += " " + l.String()
	}
	return s
}

// Levels are the levels that the processor has, from Portable to most, which is the
// highest one that the kernels under test know. For each level that it lacks there
// is a skipped test with the level's name. The test fails if QTOOL_REQUIRE asks for
// such a level. QTOOL_CPU does not narrow the levels.
func Levels(t testing.TB, most cpu.Level) []cpu.Level {
	t.Helper()
	// A result that go test has kept is of use only for the same values.
	os.Getenv(cpu.Variable)
	os.Getenv(cpu.RequireVariable)
	if err := cpu.Err(); err != nil {
		t.Fatal(err)
	}
	var has []cpu.Level
	for l := cpu.Portable; l <= most; l++ {
		if l <= cpu.Detected {
			has = append(has, l)
			continue
		}
		missing := func(t testing.TB) { t.Skipf("level %v did not run: the processor has %v at most", l, cpu.Detected) }
		switch t := t.(type) {
		case *testing.T:
			t.Run(l.String(), func(t *testing.T) { missing(t) })
		case *testing.B:
			t.Run(l.String(), func(b *testing.B) { missing(b) })
		default: // fuzz tests have no subtests
			t.Logf("level %v does not run: the processor has %v at most", l, cpu.Detected)
		}
	}
	return has
}

// Need skips a test of kernels of one level where the kernels in use are of a lower level, and fails
// it if QTOOL_REQUIRE asks for the level.
func Need(t testing.TB, level cpu.Level) {
	t.Helper()
	os.Getenv(cpu.Variable) // as in Levels
	os.Getenv(cpu.RequireVariable)
	switch err := cpu.Err(); {
	case err != nil:
		t.Fatal(err)
	case cpu.Active >= level:
	case cpu.Required >= level:
		t.Fatalf("kernels in use are %v, and %s=%v asks for %v", cpu.Active, cpu.RequireVariable, cpu.Required, level)
	default:
		t.Skipf("kernels in use are %v, this needs %v", cpu.Active, level)
	}
}

// Each runs f as a subtest for each of Levels.
func Each(t *testing.T, most cpu.Level, f func(t *testing.T, level cpu.Level)) {
	t.Helper()
	for _, l := range Levels(t, most) {
		t.Run(l.String(), func(t *testing.T) { f(t, l) })
	}
}
