package bgvlut

import (
	"qtool/he/internal/costmodel"
	"qtool/internal/elementary"
	"qtool/kernel/cpu"
)

// costLift is nanoseconds of lifting a coefficient to an integer, all limbs;
// costTouch of the system's handing out a byte of fresh memory, which for a run of
// few levels is as much as encryption itself.
const (
	costLift  = 130
	costTouch = 0.55
)

// costs is the predicted work of one batch in nanoseconds of one core.
type costs struct {
	inputs, outputs int       // ciphertexts that the client makes and reads
	encrypt         float64   // of one of them
	linear          []float64 // of each stage, less swaps of halves
	element         []float64 // of a ciphertext of each stage's tables, on average
	units           []int     // how many ciphertexts these are
	decrypt         float64   // of one output
}

// total is the predicted work of the whole batch.
func (c costs) total() float64 {
	sum := c.encrypt * float64(c.inputs)
	for i := range c.linear {
		sum += c.stage(i)
	}
	return sum + float64(c.decrypt*float64(c.outputs))
}

// stage is the work of a stage.
func (c costs) stage(i int) float64 {
	return c.linear[i] + float64(c.element[i]*float64(c.units[i]))
}

// coster prices operations in one layout.
type coster struct {
	*layout
	costmodel.Tables
	n         float64
	transform float64
	digits    []int // limbs of each
}

func newCoster(l *layout, level cpu.Level) *coster {
	c := &coster{layout: l, Tables: costmodel.TablesOf(level), n: elementary.Exp2(float64(l.logN))}
	c.transform = c.NTT * float64(l.logN)
	c.digits = l.digits()
	return c
}

// relinearise is a tensor and its relinearisation from so many limbs.
func (c *coster) relinearise(limbs, drop int) float64 {
	return float64(c.n*float64(limbs)*(float64(4*c.Dot)+float64(2*c.Mul))) + c.keySwitch(c.digits, limbs, drop)
}

// keySwitch is a key switch from so many limbs with some digits, and the division.
func (c *coster) keySwitch(digits []int, limbs, drop int) float64 {
	special := len(c.special)
	sum := float64(limbs) * (c.transform + float64(2*c.Mul))
	rest := limbs
	for _, d := range digits {
		own := min(d, rest)
		if own == 0 {
			break
		}
		rest -= own
		targets := float64(limbs + special - own)
		sum += float64(targets*(c.transform+float64(float64(own+1)*c.Term)+c.Convert)) + float64(2*c.Dot*float64(limbs+special))
	}
	from, to := float64(special+drop), float64(limbs-drop)
	return c.n * (sum + 2*(float64(from*(c.transform+c.Mul))+float64(to*(c.transform+float64((from+1)*c.Term)+c.Convert+c.Mul))))
}

// divide is the work of dividing so many polynomials.
func (c *coster) divide(limbs, drop, polys int) float64 {
	from, to := float64(drop), float64(limbs-drop)
	return float64(c.n * float64(polys) * (float64(from*(c.transform+c.Mul)) + float64(to*(c.transform+float64((from+1)*c.Term)+c.Convert+2*c.Mul))))
}

// table is the work of a polynomial with so many leaves in round i.
func (c *coster) table(i int, s *shape, leaves int, split bool) float64 {
	baby := log2Ceil(s.leaf)
	at := func(level int) (limbs, drop int) { return c.limbs(i, level-1), c.drops[i][level-1] }
	limbs, drop := at(1)
	sum := c.divide(limbs, drop, 2)
	for _, p := range s.powers[1:] {
		sum += c.relinearise(at(p.depth))
	}
	height := log2Ceil(leaves)
	for k := 1; k < height; k++ {
		sum += c.relinearise(at(baby + k))
	}
	sums := float64(c.n * float64(2*leaves*c.limbs(i, baby)) * (float64(float64(len(s.terms))*c.MAC) + c.Reduce))
	if split { // two of each, and what joins them
		sums = float64(2*sums) + float64(c.n*float64(2*leaves*c.limbs(i, baby))*c.Dot)
	}
	sum += sums
	limbs, drop = at(baby + 1)
	leaf := c.divide(limbs, drop, 2)
	var node func(leaves int) float64
	node = func(leaves int) float64 {
		h := log2Ceil(leaves)
		half, sum := 1<<(h-1), 0.0
		if left := leaves - half; left > 1 {
			sum += node(left) + c.relinearise(at(baby+log2Ceil(left)))
		} else if half > 1 {
			sum += leaf
		}
		if half > 1 {
			limbs, drop := at(baby + h - 1)
			sum += node(half) + c.divide(limbs, drop, 3)
		}
		return sum
	}
	if leaves == 1 {
		return sum + leaf
	}
	return sum + node(leaves) + c.relinearise(at(baby+height))
}

// costs predicts the work of a batch with a level's kernels.
func (l *layout) costs(inputs int, stages []stage, all []tables, level cpu.Level) costs {
	c := newCoster(l, level)
	r := costs{
		inputs: inputs, outputs: len(all[len(all)-1].outputs),
		encrypt: encryptCost(level, l.logN, len(l.q)), decrypt: decryptCost(level, l.logN, l.last()),
	}
	for i := range stages {
		s, t := &stages[i], &all[i]
		limbs, linear, element := l.limbs(s.round, 0), 0.0, 0.0
		polys := 2 * c.n * float64(limbs)
		if s.rows != nil || l.copies > 1 {
			macs, sums := 0, len(t.units)*l.copies
			for _, u := range t.units {
				for _, e := range u.elements[:l.copies] {
					in, _ := s.row(e)
					macs += len(in)
				}
			}
			if t.swaps {
				sums *= 2
			}
			linear = float64(polys * (float64(float64(macs)*c.MAC) + float64(float64(sums)*c.Reduce)))
			if l.copies > 1 {
				linear += float64(polys * float64(sums) * c.Dot / 2)
			}
		}
		if t.swaps {
			element += c.keySwitch(l.swap, limbs, 0)
		}
		if s.table != nil {
			known := make([]float64, len(t.pairs))
			sum := 0.0
			for _, u := range t.units {
				if known[u.pair] == 0 {
					known[u.pair] = c.table(s.round, t.shapes[u.pair], t.leaves(u.pair), t.pairs[u.pair][0] != t.pairs[u.pair][1])
				}
				sum += known[u.pair]
			}
			element += sum / float64(len(t.units))
		}
		r.linear, r.element, r.units = append(r.linear, linear), append(r.element, element), append(r.units, len(t.units))
	}
	return r
}

// encryptCost is the nanoseconds of encrypting one input for so many primes.
func encryptCost(level cpu.Level, logN, primes int) float64 {
	c := newCoster(&layout{logN: logN}, level)
	return c.n * (c.transform + c.Gaussian + float64(float64(primes)*(c.transform+c.Uniform+float64(3*c.Mul)+16*costTouch)))
}

// decryptCost is the nanoseconds of decrypting one output of so many primes.
func decryptCost(level cpu.Level, logN, primes int) float64 {
	c := newCoster(&layout{logN: logN}, level)
	return c.n * (costLift + c.transform + float64(float64(primes)*(c.transform+2*c.Mul)))
}
