package bgv

import (
	"math"

	"qtool/bundle"
)

// Nanoseconds that one core needs for one coefficient of one limb, measured on
// x86-64 at about 3 GHz. They weigh the choices of NewPlan and the steps of a
// progress bar; nothing else depends on them.
const (
	costMAC      = 0.27 // times a weight, accumulated
	costReduce   = 1.3  // Barrett reduction of an accumulator
	costMul      = 1.8  // Montgomery product
	costAdd      = 0.5
	costNTT      = 0.85 // times logN
	costUniform  = 5.0
	costGaussian = 14.0
	costMove     = 1.0 // between polynomials and tiles
	costLift     = 130 // of a coefficient to an integer, all limbs
)

// costs is the predicted work of one batch and plaintext prime in nanoseconds.
type costs struct {
	encrypt  float64   // of one input
	segments []float64 // of one limb, all coefficients
	rescales []float64 // of one polynomial of the tensor after each segment
	decrypt  float64   // of one output
}

func (l *layout) costs(segments []segment) costs {
	n, level := float64(int(1)<<l.logN), len(l.q)
	ntt := n * costNTT * float64(l.logN)
	c := costs{
		encrypt: ntt + n*costGaussian + float64(level)*(ntt+n*(costUniform+3*costMul+2*costMove)),
	}
	for i := range segments {
		sum := 0.0
		for k := range segments[i].stages {
			sum += segments[i].stages[k].cost(l.q[0])
		}
		c.segments = append(c.segments, sum*n)
		rescale := 0.0
		for range l.drops[i] {
			rescale += ntt + n*costMove + float64(level-1)*(ntt+n*(2*costMul+costMove))
			level--
		}
		c.rescales = append(c.rescales, rescale)
	}
	d := float64(segments[len(segments)-1].last().outDegree)
	c.decrypt = n*costLift + ntt + float64(level)*(ntt+(d+1)*n*(costMul+costMove))
	return c
}

// batch is the predicted nanoseconds of one core for a batch and a prime.
func (c costs) batch(l *layout, segments []segment) float64 {
	sum := c.encrypt * float64(segments[0].first().inputs)
	level := len(l.q)
	for i := range segments {
		last := segments[i].last()
		sum += c.segments[i] * float64(level)
		sum += c.rescales[i] * float64(last.outputs*(last.outDegree+1))
		level -= l.drops[i]
	}
	return sum + c.decrypt*float64(segments[len(segments)-1].last().outputs)
}

// cost is nanoseconds a coefficient of a limb with modulus q.
func (s *stage) cost(q uint64) float64 {
	sum := 0.0
	if s.rows != nil {
		sum += float64(s.inDegree+1) * (float64(len(s.rows.In))*costMAC + reductions(s.rows, q)*costReduce)
	}
	if s.poly != nil {
		sum += float64(s.between) * productCost(s.poly.Degree(), s.inDegree)
	}
	if s.pool != nil {
		sum += float64(len(s.pool.In)*(s.outDegree+1)) * costAdd
	}
	return sum
}

// reductions is about how many reductions the lazy sums of r need modulo q.
func reductions(r *bundle.Rows, q uint64) float64 {
	sum := 0.0
	for _, w := range r.W {
		sum += math.Abs(float64(w))
	}
	return float64(r.Outputs()) + sum*float64(q)/math.Exp2(64)
}

// productCost is that of a polynomial in a ciphertext of degree d.
func productCost(degree, d int) float64 {
	if degree == 1 {
		return float64(d+1) * costMul
	}
	if degree == 2 {
		return float64(d+1+(d+1)*(d+2)/2) * costMul
	}
	sum := float64(2 * (d + 1))
	for j := 1; j < degree; j++ {
		sum += float64((j*d + 1) * (d + 1))
	}
	return sum * costMul
}
