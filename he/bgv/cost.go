package bgv

import (
	"qtool/he/internal/costmodel"
	"qtool/internal/elementary"
	"qtool/kernel/cpu"
)

// More nanoseconds of one core, on any processor.
const (
	costTouch   = 0.5 // of a byte of fresh memory, once a run; times vary widely
	costUniform = 2.4
	costMove    = 0.5 // between polynomials and tiles
	costLift    = 4   // of a coefficient to its size, a limb
	costAdd     = 0.6
)

// costs is the predicted work of one batch and plaintext prime in nanoseconds.
type costs struct {
	encrypt  float64   // of one input
	segments []float64 // of one limb, all coefficients
	rescales []float64 // of one polynomial of the buffers kept after each segment
	decrypt  float64   // of one output
	memory   float64   // of a run's first touch of ciphertexts
}

func (l *layout) costs(circuit *circuit, level cpu.Level) costs {
	n, logN := float64(int(1)<<l.logN), float64(l.logN)
	limbs := batchesOf(level, l.q)
	c := costs{encrypt: encryptCost(level, l.logN, l.t[0], l.q)}
	for i := range circuit.segments {
		sum := 0.0
		for _, s := range limbs {
			for k := range circuit.segments[i].stages {
				sum += circuit.cost(i, k, s, l.q[0])
			}
		}
		c.segments = append(c.segments, sum*n/float64(len(limbs)))
		rescale, drop := 0.0, l.drops[i]
		if drop > 0 {
			for _, s := range limbs {
				rescale += float64(n * (float64(s.NTT*logN) + float64(float64(drop)*s.Pointwise) + costMove))
			}
		}
		c.rescales = append(c.rescales, rescale)
		limbs = limbs[:len(limbs)-drop]
	}
	c.memory = costTouch * l.bytes(circuit)
	c.decrypt = decryptCost(level, l.logN, l.t[0], l.q[:len(limbs)], circuit.out().degree)
	return c
}

// batchesOf are the costs of each ciphertext prime's operations.
func batchesOf(level cpu.Level, q []uint64) []costmodel.Batch {
	all := make([]costmodel.Batch, len(q))
	for i := range q {
		all[i] = costmodel.BatchOf(level, q[i])
	}
	return all
}

// encryptCost is the nanoseconds of encrypting one input.
func encryptCost(level cpu.Level, logN int, t uint64, q []uint64) float64 {
	n, log := float64(int(1)<<logN), float64(logN)
	sum := n * (float64(costmodel.BatchOf(level, t).NTT*log) + costmodel.GaussianOf(level))
	for _, s := range batchesOf(level, q) {
		sum += float64(n * (float64(s.NTT*log) + costUniform + 2*s.Pointwise + 2*costMove))
	}
	return sum
}

// decryptCost is the nanoseconds of decrypting one output of a degree.
func decryptCost(level cpu.Level, logN int, t uint64, q []uint64, degree int) float64 {
	n, log, d := float64(int(1)<<logN), float64(logN), float64(degree)
	sum := n * costmodel.BatchOf(level, t).NTT * log
	for _, s := range batchesOf(level, q) {
		sum += float64(n * (float64(s.NTT*log) + float64((d+1)*(s.Pointwise+costMove)) + float64(float64(len(q))*s.Pointwise) + costLift))
	}
	return sum
}

// batch is the predicted nanoseconds of one core for a batch and a prime.
func (c costs) batch(l *layout, circuit *circuit) float64 {
	sum := c.encrypt * float64(circuit.inputs())
	level := len(l.q)
	for i := range circuit.segments {
		sum += float64(c.segments[i] * float64(level))
		sum += float64(c.rescales[i] * float64(circuit.polynomials(i)))
		level -= l.drops[i]
	}
	return sum + float64(c.decrypt*float64(circuit.out().elements))
}

// cost is nanoseconds of stage k of segment i a coefficient of a limb with modulus about
// q.
func (c *circuit) cost(i, k int, s costmodel.Batch, q uint64) float64 {
	st := &c.segments[i].stages[k]
	sum := 0.0
	for _, from := range st.sources() {
		if len(from.parts) > 1 {
			sum += c.gatherCost(i, from, s)
		}
	}
	if st.by != nil {
		dx, dy := st.from.degree, st.by.degree
		sum += float64(float64(st.outputs) * (float64(float64((dx+1)*(dy+1))*s.Product) + float64(float64(dx+dy+1)*s.Reduce)))
	}
	if st.rows != nil {
		sum += float64(float64(st.inDegree+1) * (float64(float64(len(st.rows.In))*s.MAC) + float64(st.reductions(q)*s.Reduce)))
	}
	if st.poly != nil {
		sum += float64(float64(st.between) * productCost(s, st.poly.Degree(), st.inDegree))
	}
	if st.pool != nil && (st.poly == nil || st.poly.Degree() != 2) {
		sum += float64(float64(len(st.pool.In)*(st.outDegree+1)) * costAdd)
	}
	return sum
}

// gatherCost is the cost of putting the parts of a source together in segment i, a
// coefficient.
func (c *circuit) gatherCost(i int, from *source, s costmodel.Batch) float64 {
	sum := 0.0
	for k, p := range from.parts {
		each := costAdd
		if from.lifts[k] > 0 && i > 0 {
			each = s.Pointwise
		}
		sum += float64(float64(p.Len()*(from.degree+1)) * each)
	}
	return sum
}

// reductions is about how many reductions the lazy sums of the linear map need
// modulo q.
func (st *stage) reductions(q uint64) float64 {
	return float64(st.rows.Outputs()) + st.norm*float64(q)/elementary.Exp2(64)
}

// productCost is the cost of a polynomial in a ciphertext of degree d.
func productCost(s costmodel.Batch, degree, d int) float64 {
	if degree == 2 { // mostly a square
		return float64(float64((d+1)*(d+2)/2)*s.Product) + float64(float64(2*d+1)*s.Reduce)
	}
	sum := float64(d+1) * s.Pointwise
	for j := 1; j < degree; j++ {
		sum += float64(float64((j*d+1)*(d+1))*s.Product) + float64(float64((j+1)*d+1)*s.Reduce)
	}
	return sum
}
