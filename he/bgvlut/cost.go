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
	encrypt float64   // of one input
	linear  []float64 // of each stage
	element []float64 // of each stage's tables, on average
	decrypt float64   // of one output
}

// total is the predicted work of the whole batch.
func (c costs) total(inputs int, stages []stage) float64 {
	sum := c.encrypt * float64(inputs)
	for i := range stages {
		sum += c.linear[i] + float64(c.element[i]*float64(stages[i].between))
	}
	return sum + float64(c.decrypt*float64(stages[len(stages)-1].outputs))
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
	special := len(c.special)
	sum := float64(limbs) * (float64(4*c.Dot) + c.transform + float64(4*c.Mul))
	rest := limbs
	for _, d := range c.digits {
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
func (c *coster) table(i int, s *shape, leaves int) float64 {
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
	sum += float64(c.n * float64(2*leaves*c.limbs(i, baby)) * (float64(float64(len(s.terms))*c.MAC) + c.Reduce))
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
func (l *layout) costs(stages []stage, tables []tables, level cpu.Level) costs {
	c := newCoster(l, level)
	r := costs{
		encrypt: encryptCost(level, l.logN, len(l.q)), decrypt: decryptCost(level, l.logN, l.last()),
		linear: make([]float64, len(stages)), element: make([]float64, len(stages)),
	}
	for i := range stages {
		s := &stages[i]
		limbs := float64(l.limbs(s.round, 0))
		if s.rows != nil {
			r.linear[i] = 2 * c.n * limbs * (float64(float64(len(s.rows.In))*c.MAC) + float64(float64(s.between)*c.Reduce))
		}
		if s.table == nil {
			continue
		}
		known := map[choice]float64{}
		for k := range s.between {
			p, shape := tables[i].of(k), tables[i].shape(k)
			key := choice{p.parity, len(p.coeffs)}
			if _, ok := known[key]; !ok {
				known[key] = c.table(s.round, shape, shape.leaves(p))
			}
			r.element[i] += known[key] / float64(s.between)
		}
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
