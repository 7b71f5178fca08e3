package choose

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"maps"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"qtool/bundle/bundletest"
	"qtool/he"
	"qtool/he/security"
	"qtool/kernel/cpu"
)

var update = flag.Bool("update", false, "rewrite testdata/hashes.json")

// machines calls f as on machines with the kernels of every level that this processor
// has, the first with one core, the others with several.
func machines(t *testing.T, f func(level cpu.Level, cores int)) {
	t.Helper()
	level, cores := cpu.Active, runtime.GOMAXPROCS(0)
	defer func() {
		cpu.Active = level
		runtime.GOMAXPROCS(cores)
	}()
	for n, l := 1, cpu.Portable; l <= cpu.Detected; n, l = n+6, l+1 {
		if testing.Short() && l > cpu.Portable && l < cpu.Detected {
			continue
		}
		cpu.Active = l
		runtime.GOMAXPROCS(n)
		f(l, n)
	}
}

// The same program and options have the same plan with every kernel and any number of
// cores, and on every machine: testdata/hashes.json was written on one of them.
// go test ./he/choose -update rewrites it.
func TestPlansAreTheSameOnEveryMachine(t *testing.T) {
	file := filepath.Join("testdata", "hashes.json")
	golden := map[string]string{}
	if b, err := os.ReadFile(file); err != nil && !*update {
		t.Fatal(err)
	} else if err == nil {
		if err := json.Unmarshal(b, &golden); err != nil {
			t.Fatal(err)
		}
	}
	if cpu.Detected < cpu.IFMA {
		t.Logf("levels above %v are not tried: this processor does not have them", cpu.Detected)
	}
	written := map[string]string{}
	for _, c := range programs(t) {
		name := c.backend + ", " + c.name
		var first he.Description
		machines(t, func(level cpu.Level, cores int) {
			plan, err := New(t.Context(), c.program, c.options)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			d := plan.Describe(0)
			if sum := plan.Hash(); hex.EncodeToString(sum[:]) != d.Hash {
				t.Errorf("%s: two hashes, %x and %s", name, sum, d.Hash)
			}
			if first.Hash == "" {
				first = d
				return
			}
			if d.Hash != first.Hash || d.Work != first.Work || d.LogQP != first.LogQP || d.KeyBytes != first.KeyBytes || !slices.Equal(d.CiphertextModuli, first.CiphertextModuli) {
				t.Errorf("%s: with %v kernels on %d cores the plan is %s, else %s", name, level, cores, d.Hash, first.Hash)
			}
		})
		written[name] = first.Hash
		if want := golden[name]; !*update && first.Hash != want {
			t.Errorf("%s: plan %s, on the machine that wrote %s it is %s", name, first.Hash, file, want)
		}
	}
	if *update {
		b, err := json.MarshalIndent(written, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if names := slices.Sorted(maps.Keys(golden)); len(names) != len(written) {
		t.Errorf("%s has %d plans, want %d", file, len(names), len(written))
	}
}

// logProduct is log2 of a product, from the exact integer.
func logProduct(lists ...[]uint64) float64 {
	p := big.NewInt(1)
	for _, list := range lists {
		for _, q := range list {
			p.Mul(p, new(big.Int).SetUint64(q))
		}
	}
	f := new(big.Float).SetInt(p)
	mantissa := new(big.Float)
	exponent := f.MantExp(mantissa)
	m, _ := mantissa.Float64()
	return float64(exponent) + math.Log2(m)
}

// No plan above the table of package security is called 128 bits, whatever was asked
// for; and what is not called so, is above it.
func TestSecurityIsWhatTheModuliSay(t *testing.T) {
	refused, accepted := 0, 0
	for _, c := range programs(t) {
		for logN := 0; logN <= 16; logN++ {
			if logN > 0 && logN < 10 || testing.Short() && logN > 0 && logN != 12 {
				continue
			}
			o := c.options
			o.LogN, o.AllowInsecure = logN, logN != 0
			plan, err := New(t.Context(), c.program, o)
			if err != nil {
				refused++
				continue // nothing is called secure
			}
			d := plan.Describe(0)
			got := logProduct(d.CiphertextModuli, d.SpecialModuli)
			limit, ok := security.MaxLogQP(d.LogN)
			secure := ok && got <= limit
			if w := d.LWE; w != nil {
				limit, ok := security.MaxLogLWE(w.Dimension)
				secure = secure && ok && float64(w.LogQ) <= limit
			}
			if secure {
				accepted++
			}
			if secure != (plan.SecurityBits() >= security.Bits) || d.SecurityBits != plan.SecurityBits() {
				t.Errorf("%s, %s, 2^%d: %d bits of security for a modulus of %.2f bits, of which %.0f are secure", c.backend, c.name, d.LogN, d.SecurityBits, got, limit)
			}
			if logN == 0 && !secure {
				t.Errorf("%s, %s: a plan of its own choice is insecure", c.backend, c.name)
			}
		}
	}
	if accepted < 10 {
		t.Errorf("%d plans are secure, %d were refused", accepted, refused)
	}
}

// A context that is done ends planning at once, with its error.
func TestPlanningIsCancelled(t *testing.T) {
	done, stop := context.WithCancel(t.Context())
	stop()
	for _, c := range programs(t) {
		if plan, err := New(done, c.program, c.options); plan != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("%s, %s: %v", c.backend, c.name, err)
		}
		o := c.options
		o.TuneTimings = true
		if plan, err := New(done, c.program, o); plan != nil || !errors.Is(err, context.Canceled) {
			t.Errorf("%s, %s, tuned: %v", c.backend, c.name, err)
		}
	}
}

// late counts down to its end: it is done once it was asked so often.
type late struct {
	context.Context
	left int
}

func (c *late) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// A context that ends in the middle ends planning there.
func TestPlanningLooksAtItsContext(t *testing.T) {
	for _, c := range programs(t) {
		counter := &late{t.Context(), math.MaxInt}
		if _, err := New(counter, c.program, c.options); err != nil {
			t.Fatal(err)
		}
		asked := math.MaxInt - counter.left
		if asked < 3 {
			t.Errorf("%s, %s: planning looked %d times", c.backend, c.name, asked)
		}
		for _, at := range []int{1, asked / 2, asked - 1} {
			if plan, err := New(&late{t.Context(), at}, c.program, c.options); plan != nil || !errors.Is(err, context.Canceled) {
				t.Errorf("%s, %s: ended after %d of %d looks: %v", c.backend, c.name, at, asked, err)
			}
		}
	}
}

// A large network's planning has no long stretch that does not look.
func TestPlanningIsInterrupted(t *testing.T) {
	if testing.Short() {
		t.Skip("plans a large network")
	}
	large := bundletest.New(1, 4, 1, 28, 28).Conv(16, 5, 1, 2, 7).Square().Pool(2, 2).Conv(32, 5, 1, 2, 7).Square().Pool(2, 2).Dense(128, 7).Square().Dense(10, 7).Observed()
	for _, backend := range []string{"bgv", "packed-ckks", "packed-bgv"} {
		for _, after := range []time.Duration{20 * time.Millisecond, 150 * time.Millisecond, 600 * time.Millisecond} {
			ctx, stop := context.WithTimeout(t.Context(), after)
			start := time.Now()
			_, err := New(ctx, large, Options{Backend: backend})
			took := time.Since(start)
			stop()
			if err == nil || took < after {
				break // it had ended before
			}
			t.Logf("%s: interrupted after %v, ended %v later", backend, after, (took - after).Round(time.Millisecond))
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: %v", backend, err)
			}
		}
	}
}

func TestUnknownBackend(t *testing.T) {
	p := bundletest.New(1, 4, 4).Dense(2, 7).Done()
	if _, err := New(t.Context(), p, Options{Backend: "rsa"}); err == nil || !strings.Contains(err.Error(), `"rsa" is unknown`) {
		t.Errorf("%v", err)
	}
}
