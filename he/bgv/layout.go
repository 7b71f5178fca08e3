package bgv

import (
	"math"

	"qtool/he"
	"qtool/he/internal/log2"
	"qtool/he/internal/primes"
	"qtool/internal/elementary"
)

// layout is the unchecked arithmetic of a plan: ring, primes and levels.
type layout struct {
	logN int
	t    []uint64 // plaintext primes
	q    []uint64 // ciphertext primes, the first dropped last
	// drops[i] is how many primes the rescale after segment i drops; the last
	// one only makes the outputs smaller.
	drops []int
}

func (l *layout) logQ() float64 { return log2.Product(l.q) }

// budget is what the noise analysis says of a layout.
type budget struct {
	left  float64 // bits between ten standard deviations and Q/2, at the end
	logQ  float64 // of the last level
	total float64 // noise at the end, log2 of its standard deviation over t
}

// budget follows the noise through the segments for the largest t.
func (l *layout) budget(c *circuit) budget {
	e, logQ := l.walk(c, nil)
	return budget{e.left(logQ), logQ, e.total()}
}

// walk calls visit after every stage with the noise there and log2 of the
// modulus that carries it.
func (l *layout) walk(c *circuit, visit func(s *stage, e noise, logQ float64)) (e noise, logQ float64) {
	all := freshNoises(c, l.logN, l.logT(), len(l.t))
	level := len(l.q)
	for i := range c.segments {
		for k := range c.segments[i].stages {
			s := &c.segments[i].stages[k]
			all[s.to] = all.stage(s)
			if visit != nil {
				visit(s, all[s.to], log2.Product(l.q[:level]))
			}
		}
		if n := l.drops[i]; n > 0 {
			level -= n
			all.rescale(c, i, log2.Product(l.q[level:level+n]))
		}
	}
	return all[c.output], log2.Product(l.q[:level])
}

func (l *layout) logT() float64 {
	largest := 0.0
	for _, t := range l.t {
		largest = max(largest, elementary.Log2(float64(t)))
	}
	return largest
}

// demand is how many bits each level must have for the noise to fit: groups[0]
// is the last level's, groups[i] what the i-th last rescale drops.
//
// Each rescale divides the noise down to what its own rounding adds: a bit more
// makes Q longer by a bit, and a bit less makes the noise that is squared
// afterwards larger by nearly one.
func demand(c *circuit, logN int, logT float64, primes int) (groups []float64) {
	all := freshNoises(c, logN, logT, primes)
	for i := range c.segments {
		for k := range c.segments[i].stages {
			s := &c.segments[i].stages[k]
			all[s.to] = all.stage(s)
		}
		if i == len(c.segments)-1 {
			groups = append(groups, all[c.output].required())
			break
		}
		bits := max(minPrimeBits+1, float64(logN+4), all.excess(c, i))
		all.rescale(c, i, bits)
		groups = append(groups, bits)
	}
	for i, j := 0, len(groups)-1; i < j; i, j = i+1, j-1 {
		groups[i], groups[j] = groups[j], groups[i]
	}
	return groups
}

// split turns demanded bits into numbers of primes of at most width bits, and
// the bits of each. The last level gets a little more, as primes are a little
// below powers of two.
func split(groups []float64, width int) (counts, bits []int, logQ float64) {
	for i, g := range groups {
		if i == 0 {
			g += 0.1
		}
		n := max(1, int(math.Ceil(g/float64(width))))
		b := max(minPrimeBits, int(math.Ceil(g/float64(n))))
		counts, bits = append(counts, n), append(bits, b)
		logQ += float64(n * b)
	}
	return counts, bits, logQ
}

// realise finds the primes, the primes of the last level first.
func realise(logN int, t []uint64, p *primes.Source, counts, bits []int) (*layout, error) {
	l := &layout{logN: logN, t: t}
	for i, n := range counts {
		q, err := p.Several(n, bits[i])
		if err != nil {
			return nil, err
		}
		l.q = append(l.q, q...)
	}
	for i := len(counts) - 1; i > 0; i-- {
		l.drops = append(l.drops, counts[i])
	}
	l.drops = append(l.drops, 0)
	return l, nil
}

// trim drops what primes it can after the last segment.
func (l *layout) trim(c *circuit) {
	at := len(c.segments) - 1
	for l.drops[at]+1 < l.lastLevel() {
		l.drops[at]++
		if l.budget(c).left < reserveBits {
			l.drops[at]--
			return
		}
	}
}

// lastLevel is the number of primes at the last segment.
func (l *layout) lastLevel() int {
	n := len(l.q)
	for _, d := range l.drops[:len(l.drops)-1] {
		n -= d
	}
	return n
}

// outLevel is the number of primes of the outputs.
func (l *layout) outLevel() int { return l.lastLevel() - l.drops[len(l.drops)-1] }

// check says whether the noise fits, and wraps with a probability of at most
// 2^-failureBits.
func (l *layout) check(c *circuit) error {
	b := l.budget(c)
	if b.left < reserveBits || math.IsNaN(b.left) {
		return he.Insufficient("bgv", "", "predicted noise leaves %.1f of %d bits below the %.1f of the last modulus", b.left, reserveBits, b.logQ)
	}
	if e, logQ := l.walk(c, nil); e.logFailure(logQ) > -failureBits {
		return he.Insufficient("bgv", "", "a batch decrypts wrongly with a probability of up to 2^%.1f, want at most 2^-%d", e.logFailure(logQ), failureBits)
	}
	return nil
}
