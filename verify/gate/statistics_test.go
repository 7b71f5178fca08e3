package gate

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"qtool/verify"
)

// TestMcNemarIsExact compares with the sum of binomial coefficients in big
// integers.
func TestMcNemarIsExact(t *testing.T) {
	half := new(big.Rat)
	for d := range 130 {
		tail := new(big.Int)
		for b := d; b >= 0; b-- {
			tail.Add(tail, new(big.Int).Binomial(int64(d), int64(b)))
			want, _ := half.SetFrac(tail, new(big.Int).Lsh(big.NewInt(1), uint(d))).Float64()
			// The incomplete beta's continued fraction stops within a few units
			// of the last place; 1e-12 leaves a factor of a thousand.
			if got := McNemar(b, d-b); math.Abs(got-want) > 1e-12*want {
				t.Fatalf("%d losses, %d gains: %v, want %v", b, d-b, got, want)
			}
		}
	}
	if got := McNemar(5000, 5000); got < 0.5 || got > 0.504 {
		t.Errorf("5000 losses and gains: %v", got)
	}
	if got := McNemar(100000, 0); got != 0 {
		t.Errorf("100000 losses: %v", got)
	}
}

// TestMcNemarOfAPaper: Fagerland, Lydersen and Laake, "The McNemar test for
// binary matched-pairs data", BMC Medical Research Methodology 13:91 (2013),
// first example: 1 and 7 discordant pairs, exact conditional test, two-sided
// p = 0.0703.
func TestMcNemarOfAPaper(t *testing.T) {
	if got := 2 * McNemar(7, 1); math.Abs(got-0.0703125) > 1e-12 {
		t.Errorf("%v", got)
	}
}

func TestFewImagesNeverFail(t *testing.T) {
	for n := 1; n <= 10000; n++ {
		if DefaultTest.Rejects(1, 0, n) || DefaultTest.Rejects(4, 0, n) {
			t.Fatalf("four images of %d fail", n)
		}
	}
	if !DefaultTest.Rejects(5, 0, 100) || DefaultTest.Rejects(10, 0, 10000) || !DefaultTest.Rejects(11, 0, 10000) {
		t.Error("limits moved")
	}
	if DefaultTest.Rejects(0, 500, 10000) {
		t.Error("a gain fails")
	}
}

// scenario is a change of network on fresh test sets of n images: each image is
// lost with probability (flips/n + loss)/2 and gained with (flips/n - loss)/2,
// independently. flips is the mean number of images whose rightness changes, and
// loss the true loss of accuracy.
type scenario struct {
	n     int
	flips float64
	loss  float64
}

func (s scenario) rates() (lose, win float64) {
	return (s.flips/float64(s.n) + s.loss) / 2, (s.flips/float64(s.n) - s.loss) / 2
}

// rejection is the exact probability that the test fails the scenario:
//
//	sum over D of Binomial(n, flips/n)(D) * sum over rejected b of Binomial(D, lose/(lose+win))(b)
//
// The sum over D leaves out less than 1e-12.
func (s scenario) rejection(t Test) float64 {
	lose, win := s.rates()
	discordant := distuv.Binomial{N: float64(s.n), P: lose + win}
	total := 0.0
	for d := 1; d <= s.n && (float64(d) < s.flips || discordant.Survival(float64(d-1)) > 1e-12); d++ {
		inner := 0.0
		share := distuv.Binomial{N: float64(d), P: lose / (lose + win)}
		for b := d; b > 0 && t.Rejects(b, d-b, s.n); b-- {
			if win == 0 {
				inner = 1 // all of the d are lost
				break
			}
			inner += share.Prob(float64(b))
		}
		total += discordant.Prob(float64(d)) * inner
	}
	return total
}

// simulate draws answers image by image and counts how often a gate fails them.
func (s scenario) simulate(t Test, trials int, seed uint64) float64 {
	lose, win := s.rates()
	r := rand.New(rand.NewPCG(seed, uint64(s.flips)))
	labels, was, now := make(verify.Predictions, s.n), make(verify.Predictions, s.n), make(verify.Predictions, s.n)
	failed := 0
	for range trials {
		for i := range s.n {
			was[i], now[i] = 0, 0
			switch u := r.Float64(); {
			case u < lose:
				now[i] = 1
			case u < lose+win:
				was[i] = 1
			}
		}
		if b, c := discordant(labels, was, now); t.Rejects(b, c, s.n) {
			failed++
		}
	}
	return float64(failed) / float64(trials)
}

// TestSimulation holds the exact computing to answers drawn at random.
func TestSimulation(t *testing.T) {
	trials := 2000
	if testing.Short() {
		trials = 300
	}
	for _, flips := range []float64{20, 30, 50, 80, 100} {
		for _, loss := range []float64{0, 0.002} {
			s := scenario{10000, flips, loss}
			want := s.rejection(DefaultTest)
			got := s.simulate(DefaultTest, trials, 7)
			// Five standard errors, and one trial for the normal approximation
			// where hardly any is expected: a correct test passes all ten with
			// probability above 0.9999. The seed is fixed.
			if slack := 5*math.Sqrt(want*(1-want)/float64(trials)) + 1/float64(trials); math.Abs(got-want) > slack {
				t.Errorf("%v: simulated %.4f, exact %.4f, slack %.4f", s, got, want, slack)
			}
			t.Logf("flips %3.0f, true loss %.1f points: exact %.4f, %d simulated %.4f", flips, 100*loss, want, trials, got)
		}
	}
}

// TestFalseAlarmAndPower states what the defaults promise at 10,000 images.
func TestFalseAlarmAndPower(t *testing.T) {
	for flips := 1.0; flips <= 400; flips += 7 {
		if p := (scenario{10000, flips, 0}).rejection(DefaultTest); p > DefaultTest.Alpha {
			t.Errorf("%v flips: false alarms %.4f, above the level", flips, p)
		}
	}
	for _, c := range []struct {
		flips, loss, least float64
	}{
		{20, 0.002, 0.95}, {30, 0.002, 0.95}, {40, 0.002, 0.90}, {50, 0.002, 0.85}, {80, 0.002, 0.65}, {80, 0.003, 0.95}, {100, 0.005, 0.99},
	} {
		if p := (scenario{10000, c.flips, c.loss}).rejection(DefaultTest); p < c.least {
			t.Errorf("%v flips, loss %v: power %.3f, want %v", c.flips, c.loss, p, c.least)
		}
	}
}

// TestPowerTable prints the table of docs/gate.md, and holds the page to it:
// go test ./verify/gate -run TestPowerTable -v
func TestPowerTable(t *testing.T) {
	table := powerTable()
	t.Logf("\n%s", table)
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "gate.md"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(page), table) {
		t.Error("docs/gate.md has another table")
	}
}

func powerTable() string {
	var b strings.Builder
	losses := []float64{0, 0.001, 0.002, 0.003, 0.005}
	markdownRow(&b, "level", "images flipped", "false alarm", "0.1 point", "0.2 points", "0.3 points", "0.5 points")
	markdownRow(&b, "---:", "---:", "---:", "---:", "---:", "---:", "---:")
	for _, alpha := range []float64{0.01, 0.05} {
		for _, flips := range []float64{20, 30, 40, 50, 60, 80, 100} {
			cells := []string{fmt.Sprint(alpha), fmt.Sprint(flips)}
			for _, loss := range losses {
				if loss*10000 > flips {
					cells = append(cells, "-")
					continue
				}
				cells = append(cells, fmt.Sprintf("%.1f %%", 100*scenario{10000, flips, loss}.rejection(Test{alpha, DefaultTest.MinEffect})))
			}
			markdownRow(&b, cells...)
		}
	}
	return b.String()
}
